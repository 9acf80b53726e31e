/**
 * MSG-01, MSG-02: what has piled up while Kafka was away is published in order.
 *
 * `npm test` takes a few thousand events; `npm run test:backlog` takes 100,000 and prints the rate.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { finalizeChunk } from '../../billing-runs/run.ts';
import { dateOf } from '../../values/dates.ts';
import type { Database } from '../../platform/database.ts';
import { testWire } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { manyDrafts } from '../support/drafts.ts';
import { servers } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { sequencesByStream, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const EVENTS = Number(process.env['BACKLOG_EVENTS'] ?? 6_000);
/** InvoiceCreated, InvoiceGenerated and InvoiceFinalized. */
const EVENTS_EACH = 3;
const AT_ONCE = 100;
const LIMIT_MS = 20 * 60_000;

let database: Database;
let service: Service;
beforeAll(async () => {
  database = testDatabase();
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  await database?.$disconnect();
});

it(
  'MSG-01, MSG-02: a backlog drains in order',
  async () => {
    const tenantId = randomUUID();
    const unpublished = () => database.outboxEvent.count({ where: { tenantId, publishedAt: null } });
    await servers.stopKafka();
    await finalizedInvoices(tenantId, Math.ceil(EVENTS / EVENTS_EACH));
    const events = await unpublished();
    expect(events).toBeGreaterThanOrEqual(EVENTS);
    await servers.startKafka();
    // The relay backs off while Kafka is away; the rate is that of its work.
    await waitFor('the first of them', async () => (await unpublished()) < events, 60_000);
    const startedAt = performance.now();
    await waitFor('the last of them', async () => (await unpublished()) === 0, LIMIT_MS);
    const seconds = (performance.now() - startedAt) / 1000;
    console.info(`${events} events drained in ${seconds.toFixed(1)} s, ${(events / seconds).toFixed(0)}/s`);
    const subscriber = await subscribe();
    const read = await subscriber.waitForEvents(tenantId, events, LIMIT_MS);
    await subscriber.stop();
    for (const [stream, sequences] of sequencesByStream(read))
      expect(sequences, stream).toEqual(stream.includes('public') ? [1, 2] : [1]);
  },
  LIMIT_MS,
);

/** Through the transaction of a billing run: a day's worth in seconds. */
async function finalizedInvoices(tenantId: string, count: number): Promise<void> {
  const businessDate = dateOf(new Date().toISOString());
  await manyDrafts(database, tenantId, count, businessDate);
  const deps = { database, wire: testWire, notify: () => undefined, waitMs: 10_000, overdueAfterMs: undefined };
  while ((await finalizeChunk(deps, { tenantId, businessDate }, AT_ONCE)) > 0);
  // The test is about the events; thousands of workflows that wake up would take the machine from them.
  await database.workflowWakeup.deleteMany({ where: { tenantId } });
}
