/** PAY-04: a payment that the rules refuse waits for a person, over REST or in the Web UI. */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { type DecisionAnswer, deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLimiter } from '../../commands/limiter.ts';
import { createSweep } from '../../commands/workflow-kind.ts';
import { findDeadLetter, openDeadLetter } from '../../dead-letters/open.ts';
import { deadLetterWorkflow } from '../../dead-letters/workflow.ts';
import { createDeliver } from '../../messaging/deliver.ts';
import { createHandlers } from '../../registry/handlers.ts';
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
import { staffOfDeadLetter } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let gateway: Gateway;
let outcomes: ReturnType<typeof outcomesIn>;
beforeAll(async () => {
  // Hardly anything cached: nearly every task replays. test/api/dead-letters.test.ts runs with the cache. Without any,
  // the SDK drops runs while their local activities are under way, says so, and its worker may stand still after it.
  system = await startSystem({ TEMPORAL_MAX_CACHED_WORKFLOWS: '1' }, { consumer: true });
  gateway = await startGateway(system);
  outcomes = outcomesIn(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

const staff = (id: string) => staffOfDeadLetter(system.temporal.client, system.temporal.namespace, id);
const statusOf = async (caller: Caller, id: string) =>
  (await caller.request<{ status: string }>('GET', `/v1/invoices/${id}`)).body.status;
const ended = (id: string) => staff(id).waitForStatus('COMPLETED');

async function refused(message: Message) {
  await gateway.send(message);
  return outcomes.untilStored(message);
}

interface Refused {
  reason: string;
  /** Makes a payment that is refused. */
  message: (ann: Caller) => Promise<Message>;
  /** Mends the cause; undefined when it cannot be mended. */
  mend?: (ann: Caller, invoiceId: string) => Promise<unknown>;
}

const cases: Record<string, Refused> = {
  'a draft': {
    reason: 'transition_not_allowed',
    message: async (ann) => paymentMessage(ann.tenantId, (await ann.draft()).id),
    mend: (ann, id) => ann.step(id, 'finalize'),
  },
  cancelled: {
    reason: 'transition_not_allowed',
    message: async (ann) => {
      const { id } = await ann.finalized();
      await ann.step(id, 'cancel');
      return paymentMessage(ann.tenantId, id);
    },
  },
  'paid with another reference': {
    reason: 'transition_not_allowed',
    message: async (ann) => {
      const { id } = await ann.finalized();
      await ann.pay(id);
      return paymentMessage(ann.tenantId, id);
    },
  },
  'too small, for a draft whose amount is mended': {
    reason: 'transition_not_allowed',
    message: async (ann) => paymentMessage(ann.tenantId, (await ann.draft()).id, { amount: '100.00' }),
    mend: async (ann, id) => {
      await ann.request('PATCH', `/v1/invoices/${id}`, { body: { amount: '100.00', currency: 'EUR' } });
      await ann.step(id, 'finalize');
    },
  },
  'too small': {
    reason: 'payment_below_amount',
    message: async (ann) => paymentMessage(ann.tenantId, (await ann.finalized()).id, { amount: '1.00' }),
  },
  'too large': {
    reason: 'payment_above_amount',
    message: async (ann) => paymentMessage(ann.tenantId, (await ann.finalized()).id, { amount: '1200.01' }),
  },
  'another currency': {
    reason: 'currency_mismatch',
    message: async (ann) => paymentMessage(ann.tenantId, (await ann.finalized()).id, { currency: 'USD' }),
  },
  'an unknown invoice': {
    reason: 'invoice_not_found',
    message: async (ann) => paymentMessage(ann.tenantId, randomUUID()),
  },
};

it.each(Object.entries(cases))(
  'PAY-04: %s: the invoice is unchanged, and the dead letter says why, over REST and in the Web UI',
  async (_name, { reason, message: make }) => {
    const ann = system.caller();
    const message = await make(ann);
    const invoiceId = message.key.split('|')[1] ?? '';
    const before = await ann.request('GET', `/v1/invoices/${invoiceId}`);
    const { id } = await refused(message);
    expect((await ann.request('GET', `/v1/invoices/${invoiceId}`)).body).toEqual(before.body);
    expect(await deadLetterOf(ann, id)).toMatchObject({
      status: 'open',
      reason,
      topic: PAYMENTS_TOPIC,
      type: 'billing.payment.received.v1',
      source: '/gateway',
      attempts: 1,
      key: message.key,
      headers: message.headers,
      payload: message.value,
      resolution: null,
      resolvedBy: null,
    });
    const details = await waitFor('the page', async () => {
      const text = await staff(id).details();
      return text.includes(`Open:** \`${reason}\``) ? text : undefined;
    });
    expect(details).toContain(message.value);
    expect(details).toContain('`replay`');
    expect(await staff(id).searchAttributes()).toMatchObject({
      Topic: [PAYMENTS_TOPIC],
      EventType: ['billing.payment.received.v1'],
      FailureReason: [reason],
      BillingTenant: [ann.tenantId],
    });
  },
);

it.each(Object.entries(cases).filter(([, { mend }]) => mend))(
  'PAY-04: %s: mended, a replay settles it, over REST and in the Web UI',
  async (_name, { message: make, mend }) => {
    const ways = {
      rest: async (ann: Caller, id: string) => (await decide(ann, id, 'replay', 'It is mended')).body.status,
      webUi: async (_ann: Caller, id: string) => {
        const request = { operator: 'ann', reason: 'It is mended' };
        const { status } = (await staff(id).update('replay', request)) as DecisionAnswer;
        return status === 'replayed' ? 'resolved' : status;
      },
    };
    for (const replay of Object.values(ways)) {
      const ann = system.caller();
      const message = await make(ann);
      const invoiceId = message.key.split('|')[1] ?? '';
      const { id } = await refused(message);
      await mend?.(ann, invoiceId);
      expect(await replay(ann, id)).toBe('resolved');
      expect(await statusOf(ann, invoiceId)).toBe('paid');
      expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
      const deadLetter = await deadLetterOf(ann, id);
      expect(deadLetter).toMatchObject({ resolution: 'replayed', resolvedBy: 'ann', resolvedReason: 'It is mended' });
      expect(deadLetter.attempts).toBe(2);
      await ended(id);
      const [entry] = await audit(id);
      expect(entry).toMatchObject({ action: 'replay', actor: 'ann', status: 'replayed', reason: 'It is mended' });
      expect(entry).toMatchObject({ sequence: 1, previousHash: '', tenantId: ann.tenantId });
    }
  },
);

const audit = (id: string) =>
  system.database.auditEntry.findMany({
    where: { entityType: 'dead_letter', entityId: id },
    orderBy: { sequence: 'asc' },
  });

/** An attempt that was on its way when somebody decided. */
const handIn = ({ key, value, headers }: Message) => {
  const { database, temporal, config } = system;
  const logger = createLogger({ level: 'silent', name: 'test' });
  const send = { client: temporal.client, taskQueue: config.TEMPORAL_TASK_QUEUE, limiter: createLimiter(), logger };
  const deliver = createDeliver(createHandlers({ database, send, deadlineMs: 10_000 }), config.NODE_ENV);
  const place = { topic: PAYMENTS_TOPIC, partition: 0, offset: 0n };
  return deliver({ ...place, key: Buffer.from(key), value: Buffer.from(value), headers });
};

it('PAY-04: what was discarded is never carried out, also not by an attempt that comes late', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.draft();
  const message = paymentMessage(ann.tenantId, invoiceId);
  const { id } = await refused(message);
  await ann.step(invoiceId, 'finalize');
  expect(await decide(ann, id, 'discard', 'Sent back')).toMatchObject({ status: 200 });
  expect(await handIn(message)).toMatchObject({ kind: 'refused', reason: 'already_discarded' });
  expect(await statusOf(ann, invoiceId)).toBe('finalized');
  await untilSound(system, [ann.tenantId]);
});

/** Another message under the source and id of the first. */
const corrected = (first: Message, changes: object): Message => ({
  ...first,
  value: JSON.stringify({ ...JSON.parse(first.value), ...changes }),
});

/** The dead letter of this very message. */
const storedAs = ({ value }: Message) =>
  waitFor('the dead letter of this value', async () => {
    const deadLetter = await system.database.deadLetter.findFirst({ where: { value: Buffer.from(value) } });
    return deadLetter?.workflowStartedAt ? deadLetter : undefined;
  });

it('PAY-04: a corrected payment under the source and id of a discarded one says who discarded it, and asks for a new id', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.finalized();
  const wrong = paymentMessage(ann.tenantId, invoiceId, { amount: '12.00' });
  const { id } = await refused(wrong);
  expect(await decide(ann, id, 'discard', 'The gateway sends it again')).toMatchObject({ status: 200 });
  const right = corrected(wrong, { amount: '1200.00' });
  await gateway.send(right);
  const { id: secondId } = await storedAs(right);
  const deadLetter = await deadLetterOf(ann, secondId);
  expect(deadLetter).toMatchObject({ reason: 'already_discarded', source: '/gateway', eventId: eventIdOf(wrong) });
  for (const told of ['/gateway', eventIdOf(wrong), 'ann', 'The gateway sends it again', 'new id'])
    expect(deadLetter.detail).toContain(told);
  const { resolvedAt } = await deadLetterOf(ann, id);
  expect(deadLetter.detail).toContain(resolvedAt);
  await waitFor('the page', async () => {
    // As Markdown, in which a hyphen is escaped.
    return (await staff(secondId).details()).replaceAll('\\', '').includes(`| ${eventIdOf(wrong)} |`);
  });
  expect(await decide(ann, secondId, 'replay')).toMatchObject({ status: 200, body: { reason: 'already_discarded' } });
  expect(await decide(ann, secondId, 'discard')).toMatchObject({ status: 200, body: { resolution: 'discarded' } });

  await gateway.send({ ...right, headers: { ...right.headers, ce_id: randomUUID() } });
  await outcomes.untilPaid(ann.tenantId, invoiceId);
  expect(await outcomes.deadLetters(ann.tenantId)).toBe(2);
  await untilSound(system, [ann.tenantId]);
});

it('PAY-04: a payment under the source and id of one that was carried out says so, and shows them', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, invoiceId);
  const other = corrected(message, { paymentReference: 'GW-OTHER' });
  await gateway.send(message);
  await outcomes.untilPaid(ann.tenantId, invoiceId);
  await gateway.send(other);
  const deadLetter = await deadLetterOf(ann, (await storedAs(other)).id);
  expect(deadLetter).toMatchObject({ reason: 'idempotency_key_reused', eventId: eventIdOf(message) });
  expect(deadLetter.detail).toContain(`with the source /gateway and the id ${eventIdOf(message)} was carried out`);
  expect(deadLetter.detail).not.toContain('Idempotency-Key');
  expect(await decide(ann, deadLetter.id, 'discard')).toMatchObject({ status: 200 });
});

it('PAY-04: of two messages under one source and id the first has the key: discarding the second does not end the first', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.draft();
  const first = paymentMessage(ann.tenantId, invoiceId);
  const second = corrected(first, { paymentReference: 'GW-SECOND' });
  await gateway.send(first, second);
  const [firstId, secondId] = [(await storedAs(first)).id, (await storedAs(second)).id];
  await ann.step(invoiceId, 'finalize');
  expect(await decide(ann, secondId, 'discard')).toMatchObject({ status: 200, body: { resolution: 'discarded' } });
  expect(await decide(ann, firstId, 'replay')).toMatchObject({ status: 200, body: { resolution: 'replayed' } });
  expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
});

it('PAY-04: what was carried out after all is not discarded; a replay says so, and counts nothing twice', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.draft();
  const message = paymentMessage(ann.tenantId, invoiceId);
  const { id } = await refused(message);
  await ann.step(invoiceId, 'finalize');
  expect(await handIn(message)).toEqual({ kind: 'done' });
  expect(await decide(ann, id, 'discard')).toMatchObject({ status: 409, body: { code: 'decision_refused' } });
  expect(await decide(ann, id, 'replay')).toMatchObject({ status: 200, body: { resolution: 'replayed' } });
  expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
});

it('PAY-04: a replay that is refused again leaves it open, with the new reason; the decisions are one chain', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.draft();
  const { id } = await refused(paymentMessage(ann.tenantId, invoiceId, { amount: '1.00' }));
  await ann.step(invoiceId, 'finalize');
  expect(await decide(ann, id, 'replay')).toMatchObject({
    status: 200,
    body: { status: 'open', reason: 'payment_below_amount', attempts: 2, resolution: null },
  });
  expect(await staff(id).update('replay', { operator: 'bob', reason: 'again' })).toMatchObject({
    status: 'open',
    reason: 'payment_below_amount',
    attempts: 3,
  });
  expect(await staff(id).searchAttributes()).toMatchObject({ FailureReason: ['payment_below_amount'] });
  expect(await decide(ann, id, 'discard', 'The customer pays again')).toMatchObject({
    status: 200,
    body: { status: 'resolved', resolution: 'discarded', resolvedBy: 'ann', attempts: 3 },
  });
  await ended(id);
  const chain = await audit(id);
  expect(chain.map(({ action, actor, status }) => [action, actor, status])).toEqual([
    ['replay', 'ann', 'open'],
    ['replay', 'bob', 'open'],
    ['discard', 'ann', 'discarded'],
  ]);
  expect(chain.slice(1).map(({ previousHash }) => previousHash)).toEqual(chain.slice(0, 2).map(({ hash }) => hash));
  expect(await statusOf(ann, invoiceId)).toBe('finalized');
  const { decisions } = await deadLetterOf(ann, id);
  expect(decisions.map(({ action, actor, status, reason }) => [action, actor, status, reason])).toEqual([
    ['replay', 'ann', 'open', 'mended'],
    ['replay', 'bob', 'open', 'again'],
    ['discard', 'ann', 'discarded', 'The customer pays again'],
  ]);
  const rows = (await staff(id).details()).split('\n').filter((line) => / \| (ann|bob) \| /.test(line));
  expect(rows.map((row) => row.split(' | ').slice(1))).toEqual([
    ['discard', 'ann', 'discarded', 'The customer pays again |'],
    ['replay', 'bob', 'open', 'again |'],
    ['replay', 'ann', 'open', 'mended |'],
  ]);
});

it('PAY-04: decided once: what comes later is told what was decided, and the message delivered again changes nothing', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.draft();
  const message = paymentMessage(ann.tenantId, invoiceId);
  const { id } = await refused(message);
  const answers = await Promise.all(['discard', 'discard', 'discard'].map((action) => decide(ann, id, action)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
  for (const action of ['replay', 'discard']) {
    expect(await decide(ann, id, action)).toMatchObject({
      status: 409,
      body: { code: 'dead_letter_resolved', resolution: 'discarded', resolvedBy: 'ann' },
    });
  }
  await ann.step(invoiceId, 'finalize');
  const behind = await ann.finalized();
  await gateway.send(message, { ...paymentMessage(ann.tenantId, behind.id), key: message.key });
  await outcomes.untilPaid(ann.tenantId, behind.id);
  expect(await statusOf(ann, invoiceId)).toBe('finalized');
  expect(await outcomes.deadLetters(ann.tenantId)).toBe(1);
  expect(await audit(id)).toHaveLength(1);
});

it('PAY-04: terminated, cancelled or reset by staff, it is decided all the same; a reset decides nothing twice', async () => {
  const ann = system.caller();
  const { id: invoiceId } = await ann.draft();
  const { id } = await refused(paymentMessage(ann.tenantId, invoiceId));
  await staff(id).requestCancellation();
  await staff(id).update('replay', { operator: 'bob', reason: 'too early' });
  await staff(id).resetToBeginning();
  await waitFor('the update that the reset applies again', async () => {
    const { events } = await system.temporal.client.workflow.getHandle(deadLetterWorkflowId(id)).fetchHistory();
    return events?.some((event) => event.workflowExecutionUpdateCompletedEventAttributes);
  });
  expect(await deadLetterOf(ann, id)).toMatchObject({ status: 'open', attempts: 2 });
  await staff(id).terminate();
  await ann.step(invoiceId, 'finalize');
  expect(await decide(ann, id, 'replay')).toMatchObject({ status: 200, body: { resolution: 'replayed', attempts: 3 } });
  expect(await statusOf(ann, invoiceId)).toBe('paid');
});

it('PAY-04: terminated by staff, it has a page again by itself', async () => {
  const ann = system.caller();
  const { id } = await refused(paymentMessage(ann.tenantId, randomUUID()));
  await staff(id).terminate();
  // As if its turn had come.
  await system.database.deadLetter.update({ where: { id }, data: { workflowStartedAt: new Date(0) } });
  await staff(id).waitForStatus('RUNNING');
  await waitFor('the page', async () => (await staff(id).details()).includes('Open:** `invoice_not_found`'));
  expect(await deadLetterOf(ann, id)).toMatchObject({ status: 'open', attempts: 1 });
  expect(await staff(id).update('discard', { operator: 'ann', reason: 'x' })).toMatchObject({ status: 'discarded' });
});

it('the page names tenant, invoice, number and customer reference: two tenants may have the same number', async () => {
  const ann = system.caller();
  const { id: invoiceId, number } = await ann.finalized({ customerReference: 'C-77' });
  const { id } = await refused(paymentMessage(ann.tenantId, invoiceId, { amount: '1.00' }));
  const row = `| ${ann.tenantId} | ${invoiceId} | ${number?.replaceAll('-', '\\-')} | C\\-77 |`;
  const page = await waitFor('the page', async () => {
    const details = await staff(id).details();
    return details.includes('Open:**') && details;
  });
  expect(page).toContain(row);
});

it('a run that staff have started like another one has none of its attributes', async () => {
  const ann = system.caller();
  const { id } = await refused(paymentMessage(ann.tenantId, randomUUID()));
  await staff(id).terminate();
  await system.temporal.client.workflow.start('deadLetter', {
    workflowId: deadLetterWorkflowId(id),
    taskQueue: system.config.TEMPORAL_TASK_QUEUE,
    args: [{ deadLetterId: id }],
    workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    typedSearchAttributes: [
      { key: searchAttributes.stuck, value: true },
      { key: searchAttributes.escalated, value: true },
      { key: searchAttributes.failureReason, value: 'another' },
    ],
  });
  const attributes = await waitFor('the first view', async () => {
    const shown = await staff(id).searchAttributes();
    return String(shown['FailureReason']) === 'invoice_not_found' && shown;
  });
  // The server keeps an attribute that is empty as [null].
  for (const name of ['Stuck', 'Escalated']) expect([undefined, [null]]).toContainEqual(attributes[name]);
});

it('nothing malformed that staff send makes a workflow task fail', async () => {
  const ann = system.caller();
  const { id } = await refused(paymentMessage(ann.tenantId, randomUUID()));
  const malformed = [undefined, 'discard', {}, { operator: 'ann' }, { operator: 'ann', reason: ' ' }];
  const more = [
    { operator: 'a\u0000', reason: 'x' },
    { operator: 'ann', reason: 'x', force: true },
    { operator: 1, reason: 2 },
  ];
  for (const request of [...malformed, ...more])
    await expect(staff(id).update('discard', request)).rejects.toThrow('Workflow Update failed');
  expect(await staff(id).update('abandon', { actor: 'ann', reason: 'x' })).toBe('Nothing is being retried.');
  expect(await staff(id).update('discard', { operator: 'ann', reason: 'x' })).toMatchObject({ status: 'discarded' });
});

it('PAY-04: the topic was made anew: another message at the place of a dead letter is handled, and kept when it is refused', async () => {
  const { database, temporal, config } = system;
  const logger = createLogger({ level: 'silent', name: 'test' });
  const deps = { database, client: temporal.client, taskQueue: config.TEMPORAL_TASK_QUEUE, logger };
  const { tenantId } = system.caller();
  const place = { topic: `test.nowhere.${randomUUID()}`, partition: 0, offset: 7n };
  const at = ({ key, value, headers }: Message) => ({
    record: { ...place, key: Buffer.from(key), value: Buffer.from(value), headers },
    source: '/gateway',
    eventId: headers['ce_id'] ?? null,
    type: 'a.type',
    tenantId,
  });
  const [first, second] = [at(paymentMessage(tenantId, randomUUID())), at(paymentMessage(tenantId, randomUUID()))];
  const because = { kind: 'refused', reason: 'invoice_not_found', detail: 'No such invoice.' } as const;
  await openDeadLetter(deps, first, because);
  expect(await findDeadLetter(database, second)).toBeNull();
  await openDeadLetter(deps, second, because);
  await openDeadLetter(deps, second, because);
  expect(await outcomes.deadLetters(tenantId)).toBe(2);
  expect((await findDeadLetter(database, first))?.eventId).toBe(first.eventId);
});

it('a crash between row and workflow: the missing workflow is started, once; a run without a row ends', async () => {
  const ann = system.caller();
  const deps = {
    database: system.database,
    client: system.temporal.client,
    taskQueue: system.config.TEMPORAL_TASK_QUEUE,
    logger: createLogger({ level: 'silent', name: 'test' }),
  };
  const message = paymentMessage(ann.tenantId, randomUUID());
  const record = {
    topic: `test.nowhere.${randomUUID()}`,
    partition: 0,
    offset: 7n,
    key: Buffer.from(message.key),
    value: Buffer.from(message.value),
    headers: message.headers,
  };
  const deadLetter = { record, source: '/gateway', eventId: randomUUID(), type: 'a.type', tenantId: ann.tenantId };
  const because = { kind: 'refused', reason: 'invoice_not_found', detail: 'No such invoice.' } as const;
  const unreachable = { ...deps, client: { withDeadline: () => Promise.reject(new Error('away')) } as never };
  await expect(openDeadLetter(unreachable, deadLetter, because)).rejects.toThrow('away');
  const row = await system.database.deadLetter.findFirstOrThrow({ where: { tenantId: ann.tenantId } });
  expect(row.workflowStartedAt).toBeNull();

  await waitFor('its workflow', async () => {
    await createSweep(deps, deadLetterWorkflow)(100);
    return (await system.database.deadLetter.findUnique({ where: { id: row.id } }))?.workflowStartedAt;
  });
  expect(await staff(row.id).status()).toBe('RUNNING');
  await openDeadLetter(deps, deadLetter, because);
  expect(await outcomes.deadLetters(ann.tenantId)).toBe(1);

  const missing = randomUUID();
  const { workflow } = system.temporal.client;
  const run = await workflow.start('deadLetter', {
    workflowId: deadLetterWorkflowId(missing),
    taskQueue: deps.taskQueue,
    args: [{ deadLetterId: missing }],
  });
  expect(await run.result()).toEqual({ ended: 'abandoned' });
});
