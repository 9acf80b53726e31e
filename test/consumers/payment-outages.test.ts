/** Payments while servers are away, or while one invoice gives no answer. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLimiter } from '../../commands/limiter.ts';
import { createHandlers } from '../../registry/handlers.ts';
import { type ReceiverDeps, createReceiver } from '../../dead-letters/receive.ts';
import type { HandleRecord, IncomingRecord } from '../../messaging/event-source.ts';
import { createLogger } from '../../platform/logger.ts';
import type { Caller } from '../support/caller.ts';
import {
  type Gateway,
  type Message,
  PAYMENTS_TOPIC,
  eventIdOf,
  outcomesIn,
  paymentMessage,
  startGateway,
} from '../support/gateway.ts';
import { decide, deadLetterOf } from '../support/dead-letters.ts';
import { servers } from '../support/servers.ts';
import { staffOf, staffOfDeadLetter } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let consumer: System;
let gateway: Gateway;
let outcomes: ReturnType<typeof outcomesIn>;
let ann: Caller;
beforeAll(async () => {
  system = await startSystem({ REQUEST_DEADLINE_MS: '30000' });
  // A record is handed in again soon.
  consumer = await startSystem({ REQUEST_DEADLINE_MS: '2000' }, { worker: false, consumer: true });
  gateway = await startGateway(system);
  outcomes = outcomesIn(system);
  ann = system.caller();
});
afterAll(async () => {
  await gateway?.stop();
  await consumer?.stop();
  await system?.stop();
});

/** The invoice's row, locked by somebody else: its commands have no answer, and everything else is well. */
async function lockInvoice(id: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: system.config.DATABASE_URL });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM invoices WHERE id = $1 FOR UPDATE', [id]);
  return async () => {
    await client.query('ROLLBACK');
    await client.end();
  };
}

/** Drafts are finalized before the outage, which callers would notice. */
async function payments(count: number): Promise<(Message & { id: string })[]> {
  const finalized = () => waitFor('an invoice', () => ann.finalized());
  const invoices = await Promise.all(Array.from({ length: count }, finalized));
  return invoices.map(({ id }, partition) => Object.assign(paymentMessage(ann.tenantId, id), { partition, id }));
}

/** Waits until all are paid; how often each was paid, and how many dead letters there are. */
async function untilAllPaid(messages: readonly { id: string }[]): Promise<{ payments: number[]; deadLetters: number }> {
  for (const { id } of messages) await outcomes.untilPaid(ann.tenantId, id, 90_000);
  const counts = await Promise.all(messages.map(({ id }) => outcomes.payments(ann.tenantId, id)));
  return { payments: counts, deadLetters: await outcomes.deadLetters(ann.tenantId) };
}

const eachOnce = (messages: readonly unknown[]) => ({ payments: messages.map(() => 1), deadLetters: 0 });

it('PAY-06: one invoice without an answer holds up its own partition only, and is paid when it answers again', async () => {
  const [stuck, ...others] = await payments(4);
  if (!stuck) throw new Error('There is no payment.');
  const behind = await ann.finalized();
  const unlock = await lockInvoice(stuck.id);
  try {
    await gateway.send(stuck, { ...paymentMessage(ann.tenantId, behind.id), partition: 0 });
    await gateway.send(...others);
    expect(await untilAllPaid(others)).toEqual(eachOnce(others));
    expect(await outcomes.payments(ann.tenantId, stuck.id)).toBe(0);
    expect(await outcomes.payments(ann.tenantId, behind.id)).toBe(0);
  } finally {
    await unlock();
  }
  expect(await untilAllPaid([stuck, behind])).toEqual(eachOnce([stuck, behind]));
});

it('Postgres stopped and started under the consumer: the payments land, and none is kept as a dead letter', async () => {
  const messages = await payments(3);
  await servers.killPostgres();
  await gateway.send(...messages);
  await servers.startPostgres();
  expect(await untilAllPaid(messages)).toEqual(eachOnce(messages));
});

it('Temporal killed and started under the consumer: the payments land, and none is kept as a dead letter', async () => {
  const messages = await payments(3);
  await servers.killTemporal();
  await gateway.send(...messages);
  await servers.startTemporal();
  expect(await untilAllPaid(messages)).toEqual(eachOnce(messages));
});

/** Far behind what is on the topic. */
const BY_HAND = 1_000_000_000n;

const recordOf = ({ key, value, headers }: Message, offset: bigint): IncomingRecord => ({
  topic: PAYMENTS_TOPIC,
  partition: 0,
  offset,
  key: Buffer.from(key),
  value: Buffer.from(value),
  headers,
});

/** A receiver without Kafka, to which records are handed in as the source does: again until they are done with. */
function byHand(
  changes: { taskQueue?: string } & Pick<ReceiverDeps, 'noAnswerAfterMs' | 'onRecord'> = {},
  deadlineMs = 1_000,
) {
  const { client } = system.temporal;
  const logger = createLogger({ level: 'silent', name: 'test' });
  const { NODE_ENV: environment, TEMPORAL_TASK_QUEUE: taskQueue } = system.config;
  const deps = { database: system.database, client, taskQueue, logger, environment };
  const send = { client, taskQueue: deps.taskQueue, limiter: createLimiter(), logger };
  const handle = createReceiver(
    { ...deps, ...changes },
    createHandlers({ database: system.database, send, deadlineMs }),
  );
  return { handle, untilDone: (record: IncomingRecord) => untilDone(handle, record) };
}

const untilDone = (handle: HandleRecord, record: IncomingRecord) =>
  waitFor('the end of the record', async () => {
    await handle(record);
    return true;
  });

it('a message without an answer, while everything else is well, becomes a dead letter; its replay counts once', async () => {
  const { id: invoiceId } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, invoiceId);
  const unlock = await lockInvoice(invoiceId);
  try {
    await byHand({ noAnswerAfterMs: 3_000 }).untilDone(recordOf(message, BY_HAND));
  } finally {
    await unlock();
  }
  const { id, tenantId, reason } = await outcomes.untilStored(message);
  expect({ tenantId, reason }).toEqual({ tenantId: ann.tenantId, reason: 'no_answer' });
  // What had no answer goes on in Temporal, and lands: the replay finds it done.
  const replay = () => ann.request('POST', `/v1/dead-letters/${id}/replay`, { body: { reason: 'It answers again' } });
  const answer = await waitFor('the replay', async () => {
    const { status, body } = await replay();
    return status === 503 ? undefined : { status, resolution: body['resolution'] };
  });
  expect(answer.resolution).toBe('replayed');
  await outcomes.untilPaid(ann.tenantId, invoiceId);
  expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
});

it('a replay without an answer is tried until a person stops it; replayed again, it counts once', async () => {
  const { id: invoiceId } = await ann.draft();
  const message = paymentMessage(ann.tenantId, invoiceId);
  await gateway.send(message);
  const { id } = await outcomes.untilStored(message);
  expect((await ann.step(invoiceId, 'finalize')).status).toBe(200);
  const staff = staffOfDeadLetter(system.temporal.client, system.temporal.namespace, id);
  const unlock = await lockInvoice(invoiceId);
  try {
    const replay = staff.update('replay', { operator: 'ann', reason: 'mended' }).then(String, String);
    await waitFor('the replay in progress', async () => (await staff.details()).includes('`replay`, sent by ann'));
    await waitFor('its attempt', async () => {
      const said = await staff.update('abandon', { actor: 'bob', reason: 'locked' });
      return said === 'The attempt is being stopped.';
    });
    expect(await replay).toContain('Workflow Update failed');
  } finally {
    await unlock();
  }
  expect(await deadLetterOf(ann, id)).toMatchObject({ status: 'open', attempts: 1 });
  expect(await staff.update('replay', { operator: 'ann', reason: 'unlocked' })).toMatchObject({ status: 'replayed' });
  await outcomes.untilPaid(ann.tenantId, invoiceId);
  expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
});

it('PAY-04: a payment whose attempt a person stopped is a dead letter that says so; its replay counts once', async () => {
  const { id: invoiceId } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, invoiceId);
  const { client, namespace } = system.temporal;
  const unlock = await lockInvoice(invoiceId);
  try {
    const done = byHand({}, 20_000).untilDone(recordOf(message, BY_HAND));
    await waitFor('the stop', async () => {
      const said = await staffOf(client, namespace, ann.tenantId, invoiceId)
        .update('abandon', { actor: 'eve', reason: 'maintenance' })
        .catch(String);
      return said === 'The attempt is being stopped.';
    });
    await done;
  } finally {
    await unlock();
  }
  const { id, reason, detail } = await outcomes.untilStored(message);
  expect(reason).toBe('attempt_stopped');
  expect(detail).toContain('eve stopped the attempt: maintenance. Whether it was carried out is not known.');
  expect(await decide(ann, id, 'replay')).toMatchObject({ status: 200, body: { resolution: 'replayed' } });
  expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
});

it('INV-12: a decision over REST whose attempt a person stopped: 409, and the dead letter has both in its decisions', async () => {
  const { id: invoiceId } = await ann.draft();
  const message = paymentMessage(ann.tenantId, invoiceId);
  await gateway.send(message);
  const { id } = await outcomes.untilStored(message);
  await ann.step(invoiceId, 'finalize');
  const staff = staffOfDeadLetter(system.temporal.client, system.temporal.namespace, id);
  const unlock = await lockInvoice(invoiceId);
  try {
    const replay = decide(ann, id, 'replay');
    await waitFor('the stop', async () => {
      const said = await staff.update('abandon', { actor: 'bob', reason: 'locked' });
      return said === 'The attempt is being stopped.';
    });
    expect(await replay).toMatchObject({
      status: 409,
      body: { code: 'attempt_stopped', detail: expect.stringContaining('bob stopped the attempt: locked.') },
    });
  } finally {
    await unlock();
  }
  const [decision] = await waitFor('the record', async () => {
    const { decisions } = await deadLetterOf(ann, id);
    return decisions.length > 0 && decisions;
  });
  expect(decision).toMatchObject({ action: 'abandon', actor: 'bob', reason: 'locked', status: 'open' });
});

it('without a worker nobody answers, and that is no message’s fault: nothing is kept', async () => {
  const { id } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, id);
  const unlock = await lockInvoice(id);
  try {
    const { handle } = byHand({ noAnswerAfterMs: 0, taskQueue: 'nobody-asks-here' });
    await expect(handle(recordOf(message, BY_HAND))).rejects.toThrow('no answer');
    await expect(handle(recordOf(message, BY_HAND))).rejects.toThrow('no answer');
  } finally {
    await unlock();
  }
  expect(await system.database.deadLetter.count({ where: { eventId: message.headers['ce_id'] ?? '' } })).toBe(0);
});

it('PAY-05: a type that nobody handles is skipped and counted', async () => {
  const outcomesSeen: string[] = [];
  const { handle } = byHand({ onRecord: (_topic, outcome) => outcomesSeen.push(outcome) });
  const message = paymentMessage(ann.tenantId, randomUUID());
  message.headers['ce_type'] = 'gateway.payment.announced.v1';
  const record = recordOf(message, BY_HAND);
  await handle(record);
  await handle({ ...record, offset: BY_HAND + 1n });
  expect(outcomesSeen).toEqual(['skipped', 'skipped']);
  expect(await system.database.deadLetter.count({ where: { eventId: eventIdOf(message) } })).toBe(0);
});
