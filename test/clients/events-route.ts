/**
 * `GET /v1/events` in the form that clients are built on, from the outbox of a test's Postgres.
 *
 * It stands in for the service's own route: when that is there, the tests take `system.url` instead, and this file goes.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Database } from '../../platform/database.ts';

export interface EventsRoute {
  url: string;
  /** What was asked, by query. */
  asked: URLSearchParams[];
  /** Nothing is answered while it is true. */
  isAway: boolean;
  /** As after retention: events before this sequence are gone. */
  firstSequence: number;
  close: () => Promise<unknown>;
}

export async function startEventsRoute(database: Database): Promise<EventsRoute> {
  async function answer(query: URLSearchParams, tenantId: string): Promise<[status: number, body: unknown]> {
    if (route.isAway) return [503, { code: 'temporarily_unavailable', detail: 'away' }];
    const after = Number(query.get('afterSequence'));
    const { firstSequence } = route;
    if (after + 1 < firstSequence) return [410, { code: 'events_pruned', detail: 'deleted', firstSequence }];
    const rows = await database.outboxEvent.findMany({
      where: { tenantId, topic: query.get('topic') ?? '', sequence: { gt: after } },
      orderBy: { sequence: 'asc' },
    });
    const items = rows
      .map(({ id, type, topic, partitionKey, sequence, headers, value }) => {
        const parsed = JSON.parse(headers) as Record<string, string>;
        return { id, type, topic, key: partitionKey, sequence: Number(sequence), headers: parsed, value };
      })
      .filter(({ headers }) => headers['ce_subject'] === query.get('subject'));
    return [200, { items: items.slice(0, Number(query.get('limit'))), nextCursor: '' }];
  }
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams;
    route.asked.push(query);
    void answer(query, String(request.headers['x-tenant-id'])).then(([status, body]) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const route: EventsRoute = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    isAway: false,
    firstSequence: 1,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
  return route;
}
