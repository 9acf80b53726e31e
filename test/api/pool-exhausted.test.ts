/** Every connection to Postgres is taken: callers are told so at their deadline, and nothing hangs. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Caller } from '../support/caller.ts';
import { atMost } from '../support/speed.ts';
import { type System, startSystem } from '../support/system.ts';

const REQUESTS = 40;
/**
 * The request's deadline, one wait for a connection or a statement that began before it, and what a busy machine adds.
 */
const SOON_AFTER_MS = atMost(5_000);

let system: System;
let ann: Caller;
beforeAll(async () => {
  system = await startSystem({ DATABASE_POOL_MAX: '2', REQUEST_DEADLINE_MS: '3000' });
  ann = system.caller();
});
afterAll(() => system?.stop());

/** While the table is locked every connection that reads it waits, and the pool is soon empty. */
async function withInvoicesLocked(work: () => Promise<void>): Promise<void> {
  const client = new pg.Client(system.config.DATABASE_URL);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('LOCK TABLE invoices IN ACCESS EXCLUSIVE MODE');
    await work();
  } finally {
    await client.end();
  }
}

it('forty requests for two connections: each gets 503 with Retry-After at its deadline, and the next ones work', async () => {
  const { id } = await ann.draft();
  const read = async () => {
    const from = performance.now();
    const { status, headers, body } = await ann.request('GET', `/v1/invoices/${id}`, { once: true });
    return { status, code: body['code'], retryAfter: headers.get('Retry-After'), ms: performance.now() - from };
  };
  await withInvoicesLocked(async () => {
    const answers = await Promise.all(Array.from({ length: REQUESTS }, read));
    for (const { ms, ...answer } of answers) {
      expect(answer).toEqual({ status: 503, code: 'temporarily_unavailable', retryAfter: '1' });
      expect(ms).toBeLessThan(SOON_AFTER_MS);
    }
    expect(await ann.step(id, 'finalize', { once: true })).toMatchObject({
      status: 503,
      body: { code: 'temporarily_unavailable' },
    });
  });
  expect(await read()).toMatchObject({ status: 200 });
  expect(await ann.step(id, 'finalize')).toMatchObject({ status: 200, body: { status: 'finalized', version: 2 } });
});
