/** What support can send to workflows: under which id, with which identity, and what is refused at once. */
import { deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import { billingRunWorkflowId } from '../../workflows/contract/billing-run.ts';
import { type CommandIdentity, type StepAnswer, invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { cheapChecks } from '../../operations/verify/cheap.ts';
import type { Caller } from '../support/caller.ts';
import { type Staff, staffAt, staffOf } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const payment = () => ({
  amountMinor: 120_000,
  currency: 'EUR',
  method: 'bank transfer',
  reference: `B-${crypto.randomUUID()}`,
  receivedAt: null,
});

let system: System;
let ann: Caller;
beforeAll(async () => {
  system = await startSystem();
  ann = system.caller();
});
afterAll(() => system?.stop());

const staff = (id: string): Staff => staffOf(system.temporal.client, system.temporal.namespace, ann.tenantId, id);
const handle = (id: string) => system.temporal.client.workflow.getHandle(invoiceWorkflowId(ann.tenantId, id));
const statusOf = async (id: string) =>
  (await ann.request<StepAnswer['invoice']>('GET', `/v1/invoices/${id}`)).body.status;
const entriesOf = (id: string) => system.database.auditEntry.count({ where: { tenantId: ann.tenantId, entityId: id } });

/** Why an update was refused. */
const refusalOf = async (answer: Promise<unknown>): Promise<{ type?: string; message: string }> => {
  const error: unknown = await answer.catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
  return (error as WorkflowUpdateFailedError).cause as never;
};

/** Starts another run: Temporal knows an Update ID as long as the run lives. */
async function anotherRun(id: string): Promise<void> {
  await staff(id).terminate();
  await ann.step(id, 'cancel', { headers: { 'If-Match': '"99"' } });
}

describe('the Update ID', () => {
  it('INV-03: one ticket number at two invoices is two payments, and each answer tells of its own', async () => {
    const [one, other] = [await ann.finalized(), await ann.finalized()];
    for (const { id, number } of [one, other]) {
      const answer = await staff(id).updateWithId('TICKET-9', 'pay', { actor: 'eve', body: payment() });
      expect(answer).toMatchObject({ replayed: false, invoice: { id, status: 'paid' } });
      expect((answer as StepAnswer).summary).toBe(`pay: invoice ${number} (${id}) is paid now, in version 3.`);
    }
    expect([await statusOf(one.id), await statusOf(other.id)]).toEqual(['paid', 'paid']);
  });

  it('INV-06: a refusal under a ticket number is not told to another invoice', async () => {
    const [one, other] = [await ann.draft(), await ann.finalized()];
    const body = payment();
    const refused = await refusalOf(staff(one.id).updateWithId('TICKET-8', 'pay', { actor: 'eve', body }));
    expect(refused.type).toBe('transition_not_allowed');
    expect(await staff(other.id).updateWithId('TICKET-8', 'pay', { actor: 'eve', body })).toMatchObject({
      invoice: { id: other.id, status: 'paid' },
    });
  });

  it('INV-03: in a later run it gives the stored answer, which says that it is one; for another step or body it is used up', async () => {
    const { id } = await ann.draft();
    const rename = { actor: 'eve', body: { name: 'Backup' } };
    await staff(id).updateWithId('TICKET-7', 'update', rename);
    await anotherRun(id);
    const again = (await staff(id).updateWithId('TICKET-7', 'update', rename)) as StepAnswer;
    expect(again).toMatchObject({ replayed: true, invoice: { id, version: 2 } });
    expect(again.summary).toBe(
      `update of invoice ${id} had been carried out before; nothing was changed now. This is the answer of then: draft, in version 2.`,
    );
    for (const [name, body] of [
      ['finalize', {}],
      ['update', { name: 'Hosting' }],
    ] as const) {
      await anotherRun(id);
      const refused = await refusalOf(staff(id).updateWithId('TICKET-7', name, { actor: 'eve', body }));
      expect(refused).toMatchObject({ type: 'idempotency_key_reused', message: expect.stringContaining('Update ID') });
    }
    expect(await entriesOf(id)).toBe(2);
    expect(await statusOf(id)).toBe('draft');
  });
});

describe('the identity', () => {
  /** The update of a step as the history has it: its id, and its argument. */
  async function sentBy(
    id: string,
    step: string,
  ): Promise<{ updateId: string; request: { identity: CommandIdentity } }> {
    const { events } = await handle(id).fetchHistory();
    const accepted = events
      ?.map((event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest)
      .find((request) => request?.input?.name === step);
    const [payload] = accepted?.input?.args?.payloads ?? [];
    const request: { identity: CommandIdentity } = JSON.parse(Buffer.from(payload?.data ?? []).toString());
    return { updateId: accepted?.meta?.updateId ?? '', request };
  }

  it('INV-03: a payload copied from the history of another invoice, with its identity, is refused and changes nothing', async () => {
    const [one, other] = [await ann.finalized(), await ann.finalized()];
    await ann.pay(one.id);
    const { updateId, request } = await sentBy(one.id, 'pay');
    const refused = await refusalOf(staff(other.id).update('pay', request));
    expect(refused).toMatchObject({ type: 'malformed_request', message: expect.stringContaining('leave it out') });
    // With the Update ID copied too, the key decides.
    expect(await refusalOf(staff(other.id).updateWithId(updateId, 'pay', request))).toMatchObject({
      type: 'idempotency_key_reused',
    });
    expect(await statusOf(other.id)).toBe('finalized');
  });

  it('INV-03: after a reset, the service’s own updates are still taken', async () => {
    const { id } = await ann.finalized();
    const { updateId } = await sentBy(id, 'finalize');
    await staff(id).resetToBeginning();
    const answer = await waitFor('the update, applied again', () =>
      handle(id).getUpdateHandle<StepAnswer>(updateId).result(),
    );
    expect(answer).toMatchObject({ replayed: true, invoice: { id, status: 'finalized' } });
  });
});

describe('what is refused says why', () => {
  it('INV-05: a refusal of fields names them and the reasons in its first line', async () => {
    const { id } = await ann.draft();
    const body = { dueDate: '2020-01-31', amountMinor: 5, currency: 'ZZZ' };
    const { type, message } = await refusalOf(staff(id).update('update', { actor: 'eve', body }));
    expect(type).toBe('validation_failed');
    const [first] = message.split('\n');
    expect(first).toMatch(/dueDate: must not be before today/);
    expect(first).toMatch(/currency: must be an ISO 4217 code/);
  });

  it('INV-01: create is refused at once, without an activity, and says what to do', async () => {
    const { id } = await ann.draft();
    const before = (await handle(id).describe()).historyLength;
    const body = { ...payment(), name: 'Hosting', customerReference: null, dueDate: null, cashierId: null };
    const { method: _method, reference: _reference, receivedAt: _receivedAt, ...draft } = body;
    const { type, message } = await refusalOf(staff(id).update('create', { actor: 'eve', body: draft }));
    expect(type).toBe('malformed_request');
    expect(message).toContain('drafted over REST');
    expect((await handle(id).describe()).historyLength).toBe(before);
  });

  const uuid = (): string => crypto.randomUUID();
  const day = '2030-01-31';
  it.each<[string, string, string, unknown[], RegExp]>([
    ['a billing run without input', 'billingRun', `by-hand/${uuid()}`, [], /the input must be an object/],
    [
      'a billing run of no day',
      'billingRun',
      `by-hand/${uuid()}`,
      [{ tenantId: uuid(), businessDate: '2030-02-31' }],
      /businessDate/,
    ],
    ['a batch without input', 'deadLetterBatch', `by-hand/${uuid()}`, [], /the input must be an object/],
    ['a version without input', 'eventVersion', `by-hand/${uuid()}`, [], /the input must be an object/],
    ['a replay without input', 'eventReplay', `by-hand/${uuid()}`, [], /the input must be an object/],
    ['a relay without input', 'outboxRelay', `by-hand/${uuid()}`, [], /the input must be an object/],
    ['an invoice without input', 'invoice', `by-hand/${uuid()}`, [], /the input must be an object/],
    [
      'an invoice under another id',
      'invoice',
      `by-hand/${uuid()}`,
      [{ tenantId: uuid(), invoiceId: uuid() }],
      /workflow id invoice\//,
    ],
    [
      'a letter under another id',
      'deadLetter',
      deadLetterWorkflowId(uuid()),
      [{ deadLetterId: uuid() }],
      /workflow id dead-letter\//,
    ],
    [
      'a run under another id',
      'billingRun',
      billingRunWorkflowId(uuid(), day),
      [{ tenantId: uuid(), businessDate: day }],
      /workflow id billing-run\//,
    ],
    [
      'a batch under another id',
      'deadLetterBatch',
      `by-hand/${uuid()}`,
      [{ batchId: uuid() }],
      /workflow id dead-letter-batch\//,
    ],
    [
      'a version under another id',
      'eventVersion',
      `by-hand/${uuid()}`,
      [{ topic: 'test.billing.public.invoices.v2' }],
      /workflow id event-version\//,
    ],
    [
      'a replay under another id',
      'eventReplay',
      `by-hand/${uuid()}`,
      [{ replayId: uuid() }],
      /workflow id event-replay\//,
    ],
    [
      'a relay under another id',
      'outboxRelay',
      `by-hand/${uuid()}`,
      [{ shard: 0, shards: 1 }],
      /workflow id outbox-relay\/0/,
    ],
    ['a relay of wake-ups under another id', 'wakeupRelay', `by-hand/${uuid()}`, [], /workflow id wakeup-relay/],
  ])('%s fails at once and says what was expected', async (_what, type, workflowId, args, expected) => {
    const { client } = system.temporal;
    const run = client.workflow.execute(type, { workflowId, taskQueue: system.config.TEMPORAL_TASK_QUEUE, args });
    const error: unknown = await run.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toMatchObject({
      type: 'malformed_request',
      message: expect.stringMatching(expected),
    });
    expect(await staffAt(client, system.temporal.namespace, workflowId).status()).toBe('FAILED');
  });
});

it('INV-03: a ticket number that was refused for another request is no fault that the checker finds', async () => {
  const findings = await cheapChecks(system.database, { tenants: [ann.tenantId] });
  expect(findings).toMatchObject({ audit: 0, commands: 0 });
});

// Last: they store keys as the version before has stored them.
describe('what staff were told when their keys did not name the invoice', () => {
  it('INV-03: what was carried out is not carried out twice by a reset', async () => {
    const { id } = await ann.draft();
    await staff(id).updateWithId('TICKET-6', 'update', { actor: 'eve', body: { name: 'Backup' } });
    await system.database.command.updateMany({
      where: { tenantId: ann.tenantId, entityId: id, step: 'update' },
      data: { key: 'staff:TICKET-6', fingerprint: 'staff' },
    });
    await staff(id).resetToBeginning();
    const answer = await waitFor('the update, applied again', () =>
      handle(id).getUpdateHandle<StepAnswer>('TICKET-6').result(),
    );
    expect(answer).toMatchObject({ replayed: true, invoice: { id, version: 2 } });
    expect(await entriesOf(id)).toBe(2);
  });

  it('INV-06: what was refused is not carried out by a reset', async () => {
    const { id } = await ann.draft();
    const pay = staff(id).updateWithId('TICKET-5', 'pay', { actor: 'eve', body: payment() });
    expect((await refusalOf(pay)).type).toBe('transition_not_allowed');
    await ann.step(id, 'finalize');
    await system.database.refusal.updateMany({
      where: { tenantId: ann.tenantId, entityId: id },
      data: { key: 'staff:TICKET-5', fingerprint: 'staff' },
    });
    await staff(id).resetToBeginning();
    const again = () => refusalOf(handle(id).getUpdateHandle('TICKET-5').result());
    expect((await waitFor('the update, applied again', again)).type).toBe('transition_not_allowed');
    expect(await statusOf(id)).toBe('finalized');
  });
});
