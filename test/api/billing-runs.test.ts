/** Billing runs over REST and by BusinessDayEnded: what is finalized, what is refused, and that a day runs once. */
import { workflowTypes } from '../../workflows/contract/common.ts';
import { billingRunWorkflowId } from '../../workflows/contract/billing-run.ts';
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { finalizeChunk } from '../../billing-runs/run.ts';
import { createLimiter } from '../../commands/limiter.ts';
import { createDeliver } from '../../messaging/deliver.ts';
import { createHandlers } from '../../registry/handlers.ts';
import { addDays, dateOf } from '../../values/dates.ts';
import { createLogger } from '../../platform/logger.ts';
import { testWire } from '../support/activities.ts';
import type { Caller } from '../support/caller.ts';
import { manyDrafts } from '../support/drafts.ts';
import { decide } from '../support/dead-letters.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const TOPIC = 'test.accounting.public.operations.v1';

interface Run {
  status: string;
  finalized: number;
  refused: number;
  requests: { actor: string; market: string | null; region: string | null }[];
  refusals: { invoiceId: string; code: string; detail: string }[];
}

let system: System;
let producer: kafkajs.Producer;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  producer = new kafkajs.Kafka({ brokers: system.config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
});
afterAll(async () => {
  await producer?.disconnect();
  await system?.stop();
});

const today = () => dateOf(new Date().toISOString());
const ask = (caller: Caller, body: object) => caller.request<Run>('POST', '/v1/billing-runs', { body });
const read = async (caller: Caller, date: string) =>
  (await caller.request<Run>('GET', `/v1/billing-runs/${date}`)).body;
const untilDone = (caller: Caller, date: string) =>
  waitFor('the end of the run', async () => {
    const run = await read(caller, date);
    return run.status === 'completed' ? run : undefined;
  });

function businessDayEnded(businessDate: string, tenantId?: string, more: object = {}) {
  return {
    key: `${tenantId ?? ''}|${businessDate}`,
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: '/accounting',
      ce_type: 'accounting.business-day.ended.v1',
      ce_time: new Date().toISOString(),
      ...(tenantId ? { ce_tenantid: tenantId } : {}),
      'content-type': 'application/json',
    },
    value: JSON.stringify({ ...(tenantId ? { tenantId } : {}), businessDate, ...more }),
  };
}

/** As if it were so many days later; only the date is moved, and nothing else of the clock. */
async function atDay<T>(days: number, work: () => Promise<T>): Promise<T> {
  vi.setSystemTime(Date.now() + days * 24 * 60 * 60 * 1000);
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

/** An attempt that was on its way when somebody decided. */
const handIn = ({ key, value, headers }: ReturnType<typeof businessDayEnded>) => {
  const { database, temporal, config } = system;
  const logger = createLogger({ level: 'silent', name: 'test' });
  const send = { client: temporal.client, taskQueue: config.TEMPORAL_TASK_QUEUE, limiter: createLimiter(), logger };
  const deliver = createDeliver(createHandlers({ database, send, deadlineMs: 10_000 }), config.NODE_ENV);
  const place = { topic: TOPIC, partition: 0, offset: 0n };
  return deliver({ ...place, key: Buffer.from(key), value: Buffer.from(value), headers });
};

it('a dry run tells what would happen, and changes nothing', async () => {
  const ann = system.caller();
  const due = await manyDrafts(system.database, ann.tenantId, 3, today());
  await manyDrafts(system.database, ann.tenantId, 1, addDays(today(), 1));
  const { status, body } = await ann.request<{ items: { id: string }[] }>('POST', '/v1/billing-runs', {
    body: { businessDate: today(), dryRun: true },
  });
  expect(status).toBe(200);
  expect(body).toMatchObject({ count: 3, totals: [{ currency: 'EUR', amount: '3600.00' }] });
  expect(new Set(body.items.map(({ id }) => id))).toEqual(new Set(due));
  expect((await ann.request('GET', `/v1/billing-runs/${today()}`)).status).toBe(404);
  expect(await system.database.invoice.count({ where: { tenantId: ann.tenantId, status: 'finalized' } })).toBe(0);
});

it('finalizes what is due, numbers it without gap, and the open workflows learn of it', async () => {
  const ann = system.caller();
  const open = await ann.draft({ dueDate: today() });
  const others = await manyDrafts(system.database, ann.tenantId, 4, today());
  expect((await ask(ann, { businessDate: today(), market: 'DE', region: 'north' })).status).toBe(202);
  const run = await untilDone(ann, today());
  expect(run).toMatchObject({ finalized: 5, refused: 0, refusals: [] });
  expect(run.requests).toMatchObject([{ actor: 'ann', market: 'DE', region: 'north' }]);
  const rows = await system.database.invoice.findMany({
    where: { tenantId: ann.tenantId },
    orderBy: { number: 'asc' },
  });
  expect(rows.map(({ number }) => Number(number?.slice(-6)))).toEqual([1, 2, 3, 4, 5]);
  expect(rows.every(({ version, overdueAt }) => version === 2 && overdueAt !== null)).toBe(true);
  await waitFor('the wake-ups', async () => {
    const waiting = await system.database.workflowWakeup.count({ where: { tenantId: ann.tenantId } });
    return waiting === 0;
  });
  // The workflow that was open all the time knows the new version: a command that expects it goes through.
  const headers = { 'If-Match': '"2"' };
  expect(await ann.pay(open.id, {}, { headers })).toMatchObject({ status: 200 });
  expect((await ann.pay(others[0] ?? '')).status).toBe(200);
});

it('asked for twice, a day runs once; the second request joins it and is recorded', async () => {
  const ann = system.caller();
  await manyDrafts(system.database, ann.tenantId, 2, today());
  const message = businessDayEnded(today(), ann.tenantId, { market: 'DE' });
  await producer.send({ topic: TOPIC, messages: [message, message] });
  await waitFor('the run', async () => (await read(ann, today())).status === 'completed');
  await manyDrafts(system.database, ann.tenantId, 1, today());
  const again = await ask(ann, { businessDate: today(), market: 'AT' });
  expect(again).toMatchObject({ status: 202, body: { status: 'completed', finalized: 2 } });
  expect((await read(ann, today())).requests).toMatchObject([
    { actor: 'accounting', market: 'DE', region: null },
    { actor: 'ann', market: 'AT', region: null },
  ]);
  const workflow = system.temporal.client.workflow.getHandle(billingRunWorkflowId(ann.tenantId, today()));
  expect(await workflow.result()).toEqual({ finalized: 2, refused: 0, left: 0 });
});

it('INV-03: with one Idempotency-Key it is asked for once, and for another day the key is refused', async () => {
  const ann = system.caller();
  const send = (body: object) =>
    ann.request('POST', '/v1/billing-runs', { body, headers: { 'Idempotency-Key': 'end-of-the-day' } });
  const body = { businessDate: today(), market: 'DE' };
  expect([(await send(body)).status, (await send(body)).status]).toEqual([202, 202]);
  expect((await read(ann, today())).requests).toHaveLength(1);
  for (const other of [
    { ...body, market: 'AT' },
    { businessDate: addDays(today(), -1), market: 'DE' },
  ])
    expect(await send(other)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  expect(await system.database.billingRun.count({ where: { tenantId: ann.tenantId } })).toBe(1);
});

it('the source and id of a business day belong to one event: another one is a dead letter, and starts nothing', async () => {
  const ann = system.caller();
  await manyDrafts(system.database, ann.tenantId, 1, today());
  const first = businessDayEnded(today(), ann.tenantId);
  const other = businessDayEnded(addDays(today(), -1), ann.tenantId);
  const { ce_id } = first.headers;
  await producer.send({ topic: TOPIC, messages: [first] });
  await untilDone(ann, today());
  await producer.send({ topic: TOPIC, messages: [{ ...other, headers: { ...other.headers, ce_id } }] });
  const deadLetter = await waitFor('the dead letter', () =>
    system.database.deadLetter.findFirst({ where: { tenantId: ann.tenantId } }),
  );
  expect(deadLetter).toMatchObject({ reason: 'idempotency_key_reused', resolvedAt: null, eventId: ce_id });
  expect(deadLetter.detail).toContain(`with the source /accounting and the id ${ce_id} was carried out`);
  expect(await system.database.billingRun.count({ where: { tenantId: ann.tenantId } })).toBe(1);
});

const deadLetterOfDay = ({ headers }: { headers: { ce_id: string } }) =>
  waitFor('the dead letter', async () => {
    const deadLetter = await system.database.deadLetter.findFirst({ where: { eventId: headers.ce_id } });
    return deadLetter?.workflowStartedAt ? deadLetter : undefined;
  });

it('a business day that was discarded starts nothing, also not by another event under its source and id', async () => {
  const ann = system.caller();
  await manyDrafts(system.database, ann.tenantId, 1, today());
  const early = businessDayEnded(addDays(today(), 3), ann.tenantId);
  await producer.send({ topic: TOPIC, messages: [early] });
  const { id } = await deadLetterOfDay(early);
  expect(await decide(ann, id, 'discard', 'A wrong day')).toMatchObject({ status: 200 });
  const { value } = businessDayEnded(today(), ann.tenantId);
  await producer.send({ topic: TOPIC, messages: [{ ...early, value }] });
  const kept = await waitFor('the second dead letter', () =>
    system.database.deadLetter.findFirst({ where: { tenantId: ann.tenantId, value: Buffer.from(value) } }),
  );
  expect(kept).toMatchObject({ reason: 'already_discarded', eventId: early.headers.ce_id });
  expect(kept.detail).toContain('A wrong day');
  expect(await system.database.billingRun.count({ where: { tenantId: ann.tenantId } })).toBe(0);
});

it('a business day that was carried out after all is not discarded; a replay settles it', async () => {
  const ann = system.caller();
  const message = businessDayEnded(addDays(today(), 3), ann.tenantId);
  await producer.send({ topic: TOPIC, messages: [message] });
  const { id } = await deadLetterOfDay(message);
  await atDay(3, () => handIn(message));
  expect(await decide(ann, id, 'discard')).toMatchObject({ status: 409, body: { code: 'decision_refused' } });
  expect(await system.database.command.count({ where: { tenantId: ann.tenantId } })).toBe(0);
});

it('over REST a business date after tomorrow is refused, also of a dry run, and told with all other faults', async () => {
  const ann = system.caller();
  const [draft = ''] = await manyDrafts(system.database, ann.tenantId, 1, '2062-11-26');
  const wrong = { path: 'businessDate', code: 'in_the_future' };
  for (const businessDate of ['2062-11-26', addDays(today(), 2)])
    for (const dryRun of [false, true])
      expect(await ask(ann, { businessDate, dryRun })).toMatchObject({
        status: 422,
        body: { code: 'validation_failed', errors: [wrong] },
      });
  expect(await ask(ann, { businessDate: '2062-11-26', more: 1 })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'more', code: 'unknown_member' }, wrong] },
  });
  expect(await system.database.billingRun.count({ where: { tenantId: ann.tenantId } })).toBe(0);
  expect((await ann.request('GET', `/v1/invoices/${draft}`)).body).toMatchObject({ status: 'draft' });
  expect((await ask(ann, { businessDate: addDays(today(), 1) })).status).toBe(202);
});

it('a request that was recorded before days ahead were refused is answered again under its key', async () => {
  const ann = system.caller();
  const headers = { 'Idempotency-Key': 'far-ahead' };
  const businessDate = addDays(today(), 3);
  const request = () => ann.request('POST', '/v1/billing-runs', { body: { businessDate }, headers });
  expect((await atDay(3, request)).status).toBe(202);
  expect((await request()).status).toBe(202);
});

it('by BusinessDayEnded a business date after tomorrow is a dead letter, for one tenant and for all; a replay in time runs it', async () => {
  const ann = system.caller();
  const businessDate = addDays(today(), 3);
  await manyDrafts(system.database, ann.tenantId, 1, businessDate);
  const [one, all] = [businessDayEnded(businessDate, ann.tenantId), businessDayEnded(businessDate)];
  await producer.send({ topic: TOPIC, messages: [all, one] });
  const reason = 'business_date_in_the_future';
  expect(await deadLetterOfDay(all)).toMatchObject({ reason, tenantId: null });
  const { id, detail } = await deadLetterOfDay(one);
  expect(detail).toContain('businessDate: must not be after tomorrow');
  expect(await decide(ann, id, 'replay', 'Too early')).toMatchObject({ status: 200, body: { status: 'open', reason } });
  expect(await system.database.billingRun.count({ where: { tenantId: ann.tenantId } })).toBe(0);
  expect(await atDay(2, () => decide(ann, id, 'replay', 'The day has come'))).toMatchObject({
    status: 200,
    body: { resolution: 'replayed' },
  });
  expect(await untilDone(ann, businessDate)).toMatchObject({ finalized: 1 });
});

it('a business day without a tenant runs for every tenant that has something due, and for no other', async () => {
  const [ann, bob, eve] = [system.caller(), system.caller(), system.caller()];
  await manyDrafts(system.database, ann.tenantId, 2, today());
  await manyDrafts(system.database, bob.tenantId, 1, today());
  await manyDrafts(system.database, eve.tenantId, 1, addDays(today(), 5));
  await producer.send({ topic: TOPIC, messages: [businessDayEnded(today())] });
  expect(
    await waitFor('her run', async () => ((await read(ann, today())).status === 'completed' ? true : undefined)),
  ).toBe(true);
  expect(await untilDone(ann, today())).toMatchObject({ finalized: 2 });
  expect(await untilDone(bob, today())).toMatchObject({ finalized: 1 });
  expect((await eve.request('GET', `/v1/billing-runs/${today()}`)).status).toBe(404);
});

it('what is cancelled or moved while the run is at it is reported with the reason, and the others go through', async () => {
  const ann = system.caller();
  const { tenantId } = ann;
  const [held = '', moved = ''] = await manyDrafts(system.database, tenantId, 4, today());
  const run = { tenantId, businessDate: today() };
  const day = new Date(today());
  // As if its workflow had been started: nobody but the test works on it.
  const now = new Date();
  await system.database.billingRun.create({
    data: { tenantId, businessDate: day, startedAt: now, workflowStartedAt: now },
  });
  const deps = { database: system.database, wire: testWire, notify: () => undefined, overdueAfterMs: undefined };
  let chunk: Promise<number> | undefined;
  await system.database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT 1 FROM invoices WHERE id IN (${held}::uuid, ${moved}::uuid) ORDER BY id FOR UPDATE`;
    chunk = finalizeChunk(deps, run, 10);
    await waitFor('the run to wait for the row', async () => {
      const [row] = await system.database.$queryRaw<{ waiting: bigint }[]>`
        SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%invoices entity%'`;
      return Number(row?.waiting) > 0;
    });
    await tx.$executeRaw`
      UPDATE invoices SET status = 'cancelled', cancelled_at = now(), version = 2 WHERE id = ${held}::uuid`;
    await tx.$executeRaw`UPDATE invoices SET due_date = ${addDays(today(), 9)}::date WHERE id = ${moved}::uuid`;
  });
  expect(await chunk).toBe(4);
  expect(await finalizeChunk(deps, run, 10)).toBe(0);
  expect(await read(ann, today())).toMatchObject({ finalized: 2, refused: 2 });
  const { refusals } = await read(ann, today());
  expect(new Map(refusals.map(({ invoiceId, detail }) => [invoiceId, detail]))).toEqual(
    new Map([
      [held, 'An invoice that is cancelled cannot finalize.'],
      [moved, `The due date was moved to ${addDays(today(), 9)} while the run was at it.`],
    ]),
  );
  const rows = await system.database.invoice.findMany({ where: { tenantId, status: 'finalized' } });
  expect(rows.map(({ number }) => number?.slice(-6)).toSorted()).toEqual(['000001', '000002']);
});

it('two runs that overlap, of two days, finalize each draft once and list nothing of what the other has done', async () => {
  const ann = system.caller();
  const { tenantId } = ann;
  const [held = ''] = await manyDrafts(system.database, tenantId, 4, today());
  const now = new Date();
  const days = [today(), addDays(today(), 1)];
  // As if their workflows had been started: nobody but the test works on them.
  await system.database.billingRun.createMany({
    data: days.map((day) => ({ tenantId, businessDate: new Date(day), startedAt: now, workflowStartedAt: now })),
  });
  const deps = { database: system.database, wire: testWire, notify: () => undefined, overdueAfterMs: undefined };
  let chunks: Promise<number>[] = [];
  await system.database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT 1 FROM invoices WHERE tenant_id = ${tenantId}::uuid FOR UPDATE`;
    chunks = days.map((businessDate) => finalizeChunk(deps, { tenantId, businessDate }, 10));
    await waitFor('both runs to wait for the rows', async () => {
      const [row] = await system.database.$queryRaw<{ waiting: bigint }[]>`
        SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%invoices entity%'`;
      return Number(row?.waiting) === days.length;
    });
    await tx.$executeRaw`
      UPDATE invoices SET status = 'cancelled', cancelled_at = now(), version = 2 WHERE id = ${held}::uuid`;
  });
  expect(await Promise.all(chunks)).toEqual([4, 4]);
  const runs = await Promise.all(days.map((day) => read(ann, day)));
  expect(runs.map(({ finalized }) => finalized).toSorted()).toEqual([0, 3]);
  // What a person did meanwhile is told by both.
  for (const { refused, refusals } of runs)
    expect([refused, refusals.map((one) => one.invoiceId)]).toEqual([1, [held]]);
  const rows = await system.database.invoice.findMany({ where: { tenantId, status: 'finalized' } });
  expect(rows.map(({ number }) => number?.slice(-6)).toSorted()).toEqual(['000001', '000002', '000003']);
});

it('a run that was recorded, and whose workflow nobody came to start, is started all the same', async () => {
  const ann = system.caller();
  await manyDrafts(system.database, ann.tenantId, 1, today());
  await system.database.billingRun.create({
    data: { tenantId: ann.tenantId, businessDate: new Date(today()), startedAt: new Date() },
  });
  expect(await untilDone(ann, today())).toMatchObject({ finalized: 1 });
});

it('a run whose workflow staff have terminated goes on by itself', async () => {
  const ann = system.caller();
  const { tenantId } = ann;
  await manyDrafts(system.database, tenantId, 2, today());
  const workflow = await system.temporal.client.workflow.start(workflowTypes.billingRun, {
    workflowId: billingRunWorkflowId(tenantId, today()),
    taskQueue: 'nobody-is-here',
    args: [{ tenantId, businessDate: today() }],
  });
  await workflow.terminate('by a test');
  // As if its turn had come.
  await system.database.billingRun.create({
    data: { tenantId, businessDate: new Date(today()), startedAt: new Date(), workflowStartedAt: new Date(0) },
  });
  expect(await untilDone(ann, today())).toMatchObject({ finalized: 2 });
});

it.each([{}, { businessDate: '31.01.2030' }, { businessDate: '2030-01-31', tenantId: randomUUID() }])(
  'INV-05: a request that is not right is refused with its faults (%j)',
  async (body) => {
    expect(await ask(system.caller(), body)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  },
);
