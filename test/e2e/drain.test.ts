/** SIGTERM: what was accepted is answered, by the process that ends or by the one that comes after it. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Caller, createCaller } from '../support/caller.ts';
import { type Service, startService } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';

const UNDER_WAY = 6;
/** Each waits for a second and tries again, so not all of them at one moment. All were sent before the first waits. */
const WAITING_MIN = 2;

let service: Service;
let ann: Caller;
beforeAll(async () => {
  // Longer than a worker takes that ends and one that comes after it, on any machine.
  service = await startService({ settings: { REQUEST_DEADLINE_MS: '30000' } });
  ann = createCaller(service.url, randomUUID());
});
afterAll(() => service?.stop());

/** Commands that wait for a lock while `meanwhile` is done; resolves with their answers. */
async function finalizedWhile(meanwhile: () => Promise<void>): Promise<{ status: number; body: unknown }[]> {
  const drafts = await Promise.all(Array.from({ length: UNDER_WAY }, () => ann.draft()));
  const client = new pg.Client(process.env['DATABASE_URL']);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM invoices WHERE tenant_id = $1 FOR UPDATE', [ann.tenantId]);
    const answers = Promise.all(drafts.map(({ id }) => ann.step(id, 'finalize')));
    await waitFor('the steps that wait for the lock', async () => {
      const { rows } = await client.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND application_name LIKE 'billing%'`,
      );
      return rows[0].n >= WAITING_MIN;
    });
    await meanwhile();
    await client.query('ROLLBACK');
    return await answers;
  } finally {
    await client.end();
  }
}

const refusesConnections = () =>
  new Promise<boolean>((resolve) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });

it.each(['api', 'worker'] as const)('SIGTERM to the %s: every request that was accepted is answered', async (part) => {
  let replaced: Promise<void> | undefined;
  const answers = await finalizedWhile(async () => {
    replaced = service.replace(part, 'SIGTERM');
    if (part === 'api') await waitFor('an API that takes no more', refusesConnections);
  });
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: UNDER_WAY }, () => 200));
  await replaced;
  await waitFor('the service', async () => (await fetch(`${service.url}/health/ready`)).ok, 60_000);
  expect((await ann.finalized()).status).toBe('finalized');
});
