/** A request that no server has answered: what the caller is told, and what the log says of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { type ApiDeps, createApp } from '../../api/app.ts';
import type { Database } from '../../platform/database.ts';
import { noDeps } from '../support/published.ts';
import { atMost } from '../support/speed.ts';

/** Long enough for a second try on this machine, today. */
const DEADLINE_MS = atMost(300);

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** The API on a database all of whose statements end in the same way. */
async function apiOn(statement: () => Promise<unknown>, requestDeadlineMs: number) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const deps = {
    ...noDeps,
    database: { $queryRaw: statement } as unknown as Database,
    requestDeadlineMs,
    simulatePayments: false,
    logger,
    metrics: { contentType: 'text/plain', text: async () => '', request: () => undefined, deprecated: () => undefined },
    version: '0.0.0',
  } as unknown as ApiDeps;
  const server = createServer(createApp(deps)).listen(0, '127.0.0.1');
  stops.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, lines };
}

it('a database that does not answer: 503 at the deadline, and the log says which part, how long, and why', async () => {
  let tries = 0;
  const { url, lines } = await apiOn(() => {
    tries += 1;
    return Promise.reject(new Error('timeout exceeded when trying to connect'));
  }, DEADLINE_MS);
  const answer = await fetch(`${url}/v1/invoices`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('Retry-After')).toBe('1');
  expect(await answer.json()).toMatchObject({
    code: 'temporarily_unavailable',
    detail: expect.stringContaining('Postgres'),
  });
  expect(tries).toBeGreaterThan(1);
  const line = lines.find(({ msg }) => msg === 'a request had no answer');
  expect(line).toMatchObject({
    part: 'Postgres',
    requestDeadlineMs: DEADLINE_MS,
    path: '/v1/invoices',
    err: { message: 'timeout exceeded when trying to connect' },
  });
  expect(line?.['waitedMs']).toBeGreaterThan(0);
});

it('a database that answers at the third try: the caller gets the answer, and nothing is logged', async () => {
  let tries = 0;
  const { url, lines } = await apiOn(() => {
    tries += 1;
    return tries < 3 ? Promise.reject(new Error('Connection terminated unexpectedly')) : Promise.resolve([]);
  }, 60_000);
  const answer = await fetch(`${url}/v1/invoices`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ items: [], nextCursor: null });
  expect(lines).toEqual([]);
});
