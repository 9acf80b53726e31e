/**
 * Retention of the whole service: the workflow deletes what is old, its page says so, and callers hardly notice. `npm
 * test` takes some thousand events; `npm run test:retention` takes a million, and prints how long callers wait.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillStore } from '../../bench/store.ts';
import { createDatabase } from '../../platform/database.ts';
import { RETENTION_ID } from '../../workflows/contract/retention.ts';
import { testWire } from '../support/activities.ts';
import { type Caller, paymentOf } from '../support/caller.ts';
import { testLimits } from '../support/database.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { atMost } from '../support/speed.ts';
import { staffAt } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { untilSound, verifyTenants } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

const EVENTS = Number(process.env['RETENTION_EVENTS'] ?? 4_000);
/** An invoice of the store has about so many. */
const EVENTS_EACH = 4.5;
const CALLERS = 16;
const LIMIT_MS = atMost(300_000 + EVENTS * 2);
const MEASURED = EVENTS >= 1_000_000;

let url: string;
let system: System;
let ann: Caller;

const start = (days: number) =>
  startSystem({
    DATABASE_URL: url,
    TEMPORAL_NAMESPACE: 'retention',
    RETENTION_EVENTS_DAYS: String(days),
  });

beforeAll(async () => {
  url = await makeOwnDatabase('retention_e2e');
  const filling = createDatabase({
    url,
    poolMax: 4,
    applicationName: 'fill',
    limits: { ...testLimits, statementMs: LIMIT_MS },
  });
  const invoices = Math.ceil(EVENTS / EVENTS_EACH);
  await fillStore(filling, testWire, { invoices, tenants: Math.ceil(invoices / 1_000) });
  // The store says of its events that they were published, some of them long ago; here all of them were.
  await filling.$executeRaw`
    UPDATE outbox_events SET recorded_at = now() - interval '91 days', published_at = now() - interval '91 days'`;
  await filling.$executeRawUnsafe('VACUUM ANALYZE outbox_events');
  await filling.$disconnect();
  system = await start(36_500);
  ann = system.caller();
}, LIMIT_MS);
afterAll(() => system?.stop());

const percentile = (sorted: readonly number[], part: number): number =>
  Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);

/** Callers who draft, finalize and pay, one step after the other, until it is over; how long each step took, in ms. */
async function callUntil(isOver: () => Promise<boolean>): Promise<number[]> {
  const took: number[] = [];
  const over = new AbortController();
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work();
    took.push(performance.now() - from);
    return result;
  };
  const calling = Array.from({ length: CALLERS }, async () => {
    while (!over.signal.aborted) {
      const { id } = await timed(() => ann.draft());
      expect((await timed(() => ann.step(id, 'finalize'))).status).toBe(200);
      expect((await timed(() => ann.pay(id, paymentOf()))).status).toBe(200);
    }
  });
  await waitFor('the end', async () => (await isOver()) || undefined, LIMIT_MS);
  over.abort();
  await Promise.all(calling);
  return took.toSorted((a, b) => a - b);
}

const until = (ms: number) => {
  const at = performance.now() + ms;
  return async () => performance.now() >= at;
};
const old = () =>
  system.database.outboxEvent.count({ where: { publishedAt: { lt: new Date(Date.now() - 90 * 86_400_000) } } });

it(
  'MSG-06: what is older than is kept goes while callers work, and the page says so',
  async () => {
    const window = MEASURED ? 60_000 : 2_000;
    await callUntil(until(window / 2));
    const before = await callUntil(until(window));
    await system.temporal.client.workflow.getHandle(RETENTION_ID).terminate();
    await system.stop();
    system = await start(90);
    ann = system.caller(ann.tenantId);
    await callUntil(until(window / 2));
    const [all, from] = [await old(), performance.now()];
    const beside = await callUntil(until(window));
    const rate = Math.round((all - (await old())) / ((performance.now() - from) / 1000));
    const alone = performance.now();
    await waitFor('the end', async () => (await old()) === 0 || undefined, LIMIT_MS);
    const seconds = Math.round((performance.now() - alone) / 1000);
    const after = await callUntil(until(window));
    const figures = [before, beside, after].map((took) => [0.5, 0.95, 0.99].map((part) => percentile(took, part)));
    process.stderr.write(
      `${EVENTS} events: ${rate}/s deleted beside ${CALLERS} callers, the rest alone in ${seconds} s; ms at p50, p95, p99 before, beside and after: ${JSON.stringify(figures)}\n`,
    );
    const page = staffAt(system.temporal.client, system.config.TEMPORAL_NAMESPACE, RETENTION_ID);
    await waitFor('the page', async () => (await page.details()).includes('Deleted by the last look') || undefined);
    expect(await page.details()).toContain('90 days');
  },
  LIMIT_MS,
);

it(
  'MSG-06: what Kafka still has of deleted events is no ghost, and its order is still seen',
  async () => {
    const bob = system.caller();
    const { id } = await bob.finalized();
    await bob.pay(id, paymentOf());
    await untilSound(system, [bob.tenantId]);
    const own = { where: { tenantId: bob.tenantId } };
    const recorded = await system.database.outboxEvent.count(own);
    const longAgo = new Date(Date.now() - 91 * 86_400_000);
    // All of them: what was recorded before is as old.
    await system.database.outboxEvent.updateMany({ data: { recordedAt: longAgo, publishedAt: longAgo } });
    // A look at once, instead of tomorrow: a worker opens the workflow again.
    await system.temporal.client.workflow.getHandle(RETENTION_ID).terminate();
    await waitFor('the look', async () => (await system.database.outboxEvent.count(own)) === 0 || undefined);
    await untilSound(system, [bob.tenantId]);
    const kafka = (await verifyTenants(system, [bob.tenantId], 0)).find(({ name }) => name === 'kafka');
    // A relay on a busy machine may have sent some of them twice.
    expect(kafka?.saw.get('deleted by retention')).toBeGreaterThanOrEqual(recorded);
  },
  LIMIT_MS,
);
