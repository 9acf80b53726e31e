/** Metrics of a process that has no REST API, and whether it lives: worker and consumer. */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Listening when this resolves; rejects when the port is taken. */
export async function serveMetrics(metrics: Metrics, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method === 'GET' && path === '/health/live') return void response.writeHead(200).end();
    if (request.method !== 'GET' || path !== '/metrics') return void response.writeHead(404).end();
    metrics.text().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
