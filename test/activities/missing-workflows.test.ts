/**
 * Whose workflow the relay of wake-ups starts, when it may be missing: on a database of its own, so that nobody else
 * turns to the rows.
 */
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { finalizeChunk } from '../../billing-runs/run.ts';
import { createSweep } from '../../commands/workflow-kind.ts';
import { batchWorkflow } from '../../dead-letters/batch-workflow.ts';
import { deadLetterWorkflow } from '../../dead-letters/workflow.ts';
import { eventReplayWorkflow } from '../../event-replays/workflow.ts';
import { billingRunWorkflow } from '../../billing-runs/workflow.ts';
import { createLimiter } from '../../commands/limiter.ts';
import { addDays, dateOf } from '../../values/dates.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { testActivities, testWire } from '../support/activities.ts';
import { manyDrafts } from '../support/drafts.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const AT_A_TIME = 50;
/** Of invoices with a timer, in one look. */
const SWEPT_MAX = 50;
/** Of missed timers, in one look. */
const LOOK_MAX = 100;

let database: Database;
let system: System;
beforeAll(async () => {
  const url = await makeOwnDatabase('missing');
  database = testDatabase({ url });
  system = await startSystem({ DATABASE_URL: url }, { worker: false });
});
afterAll(async () => {
  await system?.stop();
  await database?.$disconnect();
});
beforeEach(async () => {
  await database.deadLetter.deleteMany();
  await database.deadLetterBatch.deleteMany();
  await database.billingRun.deleteMany();
  await database.eventReplay.deleteMany();
});

const tenantId = randomUUID();
const now = () => new Date();
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const numbered = (count: number) => Array.from({ length: count }, (_, n) => n);

const deadLetter = (more: object = {}) => ({
  id: uuidv7(),
  tenantId,
  topic: `test.nowhere.${randomUUID()}`,
  partition: 0,
  offset: 0n,
  reason: 'invoice_not_found',
  detail: 'No such invoice.',
  headers: '{}',
  openedAt: minutesAgo(200),
  ...more,
});
const decided = { resolution: 'discarded', resolvedBy: 'ann', resolvedReason: 'x', resolvedAt: minutesAgo(1) };
const batch = (more: object = {}) => ({
  id: randomUUID(),
  tenantId,
  action: 'replay',
  filter: '{}',
  operator: 'ann',
  reason: 'x',
  startedAt: minutesAgo(200),
  ...more,
});
const replay = (more: object = {}) => ({
  id: randomUUID(),
  tenantId,
  subscriber: randomUUID(),
  topic: 'test.billing.replay.copy.v1',
  request: '{}',
  rate: 1,
  epoch: randomUUID(),
  transactionId: 0n,
  position: 0n,
  endTransactionId: 0n,
  recordedBefore: minutesAgo(200),
  startedBy: 'ann',
  startedAt: minutesAgo(200),
  ...more,
});
const run = (n: number, more: object = {}) => ({
  tenantId,
  businessDate: new Date(addDays('2030-01-01', n)),
  startedAt: minutesAgo(200),
  ...more,
});

interface Kind {
  /** Not done, started at these instants; and one more that is done. */
  plant: (startedAt: (Date | null)[]) => Promise<unknown>;
  turn: (limit: number) => Promise<string[]>;
}

const kinds: Record<string, Kind> = {
  'dead letters': {
    plant: (startedAt) =>
      database.deadLetter.createMany({
        data: [...startedAt.map((at) => deadLetter({ workflowStartedAt: at })), deadLetter(decided)],
      }),
    turn: async (limit) => (await deadLetterWorkflow.sweeper(database)(limit)).map(({ id }) => id),
  },
  'batches of dead letters': {
    plant: (startedAt) =>
      database.deadLetterBatch.createMany({
        data: [...startedAt.map((at) => batch({ workflowStartedAt: at })), batch({ endedAt: now() })],
      }),
    turn: async (limit) => (await batchWorkflow.sweeper(database)(limit)).map(({ id }) => id),
  },
  'replays of events': {
    plant: (startedAt) =>
      database.eventReplay.createMany({
        data: [
          ...startedAt.map((at) => replay({ workflowStartedAt: at })),
          replay({ status: 'completed', endedAt: now() }),
        ],
      }),
    turn: async (limit) => (await eventReplayWorkflow.sweeper(database)(limit)).map(({ id }) => id),
  },
  'billing runs': {
    plant: (startedAt) =>
      database.billingRun.createMany({
        data: [
          ...startedAt.map((at, n) => run(n, { workflowStartedAt: at })),
          run(startedAt.length, { endedAt: now() }),
        ],
      }),
    turn: async (limit) => (await billingRunWorkflow.sweeper(database)(limit)).map(({ businessDate }) => businessDate),
  },
};

describe.each(Object.entries(kinds))('%s', (_name, { plant, turn }) => {
  it('each that is not done has its turn, a bounded number at a time, and none twice in a minute', async () => {
    await plant([...numbered(120).map((n) => minutesAgo(2 + n)), ...numbered(5).map(now)]);
    const turns = [await turn(10), await turn(10), await turn(10), await turn(10)];
    expect(turns.map(({ length }) => length)).toEqual([AT_A_TIME, AT_A_TIME, 20, 0]);
    expect(new Set(turns.flat()).size).toBe(120);
  });

  it('those that nobody has started come besides, and none of them keeps another waiting', async () => {
    await plant([...numbered(30).map(() => null), ...numbered(60).map(() => minutesAgo(2))]);
    const seen = new Set<string>();
    expect((await turn(10)).map((id) => seen.add(id))).toHaveLength(10 + AT_A_TIME);
    expect((await turn(10)).map((id) => seen.add(id))).toHaveLength(10 + 10);
    await waitFor('all of them', async () => {
      for (const id of await turn(10)) seen.add(id);
      return seen.size === 90;
    });
  });
});

const deps = (client: Client) => ({
  database,
  client,
  taskQueue: 'nobody-is-here',
  logger: createLogger({ level: 'silent', name: 'test' }),
});
const startedAtOf = async (id: string) =>
  (await database.deadLetter.findUniqueOrThrow({ where: { id } })).workflowStartedAt;

it('a dead letter that Temporal refuses for good keeps no other from its workflow, nor the relay from its work', async () => {
  const { client } = system.temporal;
  const [refused, others] = [deadLetter({ type: 'x'.repeat(100_000) }), numbered(3).map(() => deadLetter())];
  await database.deadLetter.create({ data: refused });
  await createSweep(deps(client), deadLetterWorkflow)(10);
  await database.deadLetter.createMany({ data: others });
  await createSweep(deps(client), deadLetterWorkflow)(10);
  expect(await startedAtOf(refused.id)).toBeNull();
  for (const { id } of others) {
    expect(await startedAtOf(id)).not.toBeNull();
    await client.workflow.getHandle(deadLetterWorkflowId(id)).terminate('by a test');
  }
});

it('rejects while Temporal is away, so that the relay tries again', async () => {
  const { id } = await database.deadLetter.create({ data: deadLetter() });
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  await expect(createSweep(deps(new Client({ connection })), deadLetterWorkflow)(10)).rejects.toThrow(
    'Failed to start Workflow',
  );
  expect(await startedAtOf(id)).toBeNull();
  await connection.close();
});

describe('wake-ups', () => {
  const wakeup = () => ({ tenantId, invoiceId: randomUUID() });
  const waiting = async () => (await database.workflowWakeup.findMany()).map(({ invoiceId }) => invoiceId);
  /** The activity with a client that fails for some invoices. Resolves when `done`, and may be called again. */
  function wakeupRelay(failsFor: (workflowId: string) => boolean, failure: object) {
    const { client } = system.temporal;
    const signalWithStart: typeof client.workflow.signalWithStart = (type, options) =>
      failsFor(options.workflowId)
        ? Promise.reject(Object.assign(new Error('by a test'), failure))
        : client.workflow.signalWithStart(type, options);
    const start: typeof client.workflow.start = (type, options) =>
      failsFor(options.workflowId)
        ? Promise.reject(Object.assign(new Error('by a test'), failure))
        : client.workflow.start(type, options);
    const failing: Client = Object.create(client, {
      workflow: {
        value: Object.create(client.workflow, { signalWithStart: { value: signalWithStart }, start: { value: start } }),
      },
    });
    const { taskQueue, logger } = deps(client);
    const { sendWakeups } = testActivities(database, {
      send: { client: failing, taskQueue, logger, limiter: createLimiter() },
    });
    return async (done: () => Promise<boolean>) => {
      const environment = new MockActivityEnvironment();
      const running = environment.run(sendWakeups);
      await waitFor('the wake-ups', done);
      environment.cancel();
      await running;
    };
  }
  const only = (one: { invoiceId: string } | undefined) => (workflowId: string) =>
    workflowId === invoiceWorkflowId(tenantId, one?.invoiceId ?? '');
  /** As the client's errors from the server look. */
  const grpc = (code: number) => ({ code, details: 'by a test', metadata: {} });
  beforeEach(() => database.workflowWakeup.deleteMany());

  it('an invoice that Temporal refuses to wake for good keeps no other waiting', async () => {
    const [refused, ...others] = numbered(30).map(wakeup);
    await database.workflowWakeup.createMany({ data: [refused ?? wakeup(), ...others] });
    await wakeupRelay(only(refused), grpc(3))(async () => (await waiting()).length === 0);
    expect(await waiting()).toEqual([]);
  });

  it('an invoice that cannot be woken now goes behind the others, and stays', async () => {
    const [late, ...others] = numbered(30).map(wakeup);
    await database.workflowWakeup.createMany({ data: [late ?? wakeup(), ...others] });
    await wakeupRelay(only(late), grpc(14))(async () => (await waiting()).length === 1);
    expect(await waiting()).toEqual([late?.invoiceId]);
  });

  it('TIM-04: an invoice that has a timer gets its workflow back, long before the timer rings', async () => {
    const { client } = system.temporal;
    const businessDate = dateOf(now().toISOString());
    await database.invoice.updateMany({ data: { nextTimerAt: null } });
    const ids = await manyDrafts(database, tenantId, SWEPT_MAX + 10, businessDate);
    const chunk = { database, wire: testWire, notify: () => undefined, overdueAfterMs: undefined };
    await finalizeChunk(chunk, { tenantId, businessDate }, ids.length);
    await database.workflowWakeup.deleteMany();
    const missing = new Set(ids);
    const relay = wakeupRelay(() => false, {});
    const untilMissing = (count: number) => async () => {
      for (const id of missing) {
        const workflow = client.workflow.getHandle(invoiceWorkflowId(tenantId, id));
        if (await workflow.describe().catch(() => undefined)) missing.delete(id);
      }
      return missing.size === count;
    };
    await relay(untilMissing(10));
    await relay(untilMissing(0));
    expect(missing.size).toBe(0);
    for (const id of ids) await client.workflow.getHandle(invoiceWorkflowId(tenantId, id)).terminate('by a test');
  });

  it('TIM-04: more missed timers than one look takes have their turns, though none of them can be carried out', async () => {
    const businessDate = dateOf(now().toISOString());
    await database.invoice.updateMany({ data: { nextTimerAt: null } });
    const ids = await manyDrafts(database, tenantId, LOOK_MAX + 20, businessDate);
    const chunk = { database, wire: testWire, notify: () => undefined, overdueAfterMs: undefined };
    await finalizeChunk(chunk, { tenantId, businessDate }, LOOK_MAX + 20);
    await database.workflowWakeup.deleteMany();
    await database.invoice.updateMany({ where: { id: { in: ids } }, data: { nextTimerAt: minutesAgo(5) } });
    const asked = new Set<string>();
    const relay = wakeupRelay((workflowId) => Boolean(asked.add(workflowId)), { code: 3 });
    await relay(async () => asked.size === LOOK_MAX);
    await relay(async () => asked.size === LOOK_MAX + 20);
    expect(asked.size).toBe(LOOK_MAX + 20);
  });
});
