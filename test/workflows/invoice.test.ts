/**
 * The workflow of an invoice under everything that staff and broken machines do to it: cached, and replaying every
 * task.
 */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { type Caller, paymentOf } from '../support/caller.ts';
import { type Staff, staffOf } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { atMost } from '../support/speed.ts';
import { waitFor } from '../support/wait.ts';

const webUiPayment = {
  amountMinor: 120_000,
  currency: 'EUR',
  method: 'bank transfer',
  reference: 'B-1',
  receivedAt: null,
};

/**
 * Without a cache the SDK drops a run whose local activity is under way as soon as another run has a task; its own is
 * lost, and comes again after five seconds: four events more, for each of three commands at worst.
 */
describe.each([
  ['cached', '500', 24],
  ['with every task replayed', '0', 24 + 3 * 4],
])('%s', (_mode, TEMPORAL_MAX_CACHED_WORKFLOWS, historyMax) => {
  let system: System;
  let ann: Caller;
  const staff = (id: string): Staff => staffOf(system.temporal.client, system.temporal.namespace, ann.tenantId, id);

  beforeAll(async () => {
    system = await startSystem({ TEMPORAL_MAX_CACHED_WORKFLOWS });
    ann = system.caller();
    // The server may hand the first task to the worker that has just stopped; it comes again after five seconds.
    await ann.draft();
  });
  afterAll(() => system?.stop());

  const counts = async (id: string) => ({
    audit: await system.database.auditEntry.count({ where: { tenantId: ann.tenantId, entityId: id } }),
    payments: await system.database.payment.count({ where: { tenantId: ann.tenantId, invoiceId: id } }),
    events: await system.database.outboxEvent.count({
      where: { tenantId: ann.tenantId, partitionKey: `${ann.tenantId}|${id}` },
    }),
  });

  it(`a lifecycle is one run that completes, with at most ${historyMax} events of history`, async () => {
    // One whose local activity did not end within two seconds, on a machine that is busy, has more: it went the other
    // way.
    const events = await waitFor('a lifecycle that long', async () => {
      const { id } = await ann.finalized();
      await ann.pay(id);
      await staff(id).waitForStatus('COMPLETED');
      const { historyLength } = await system.temporal.client.workflow
        .getHandle(`invoice/${ann.tenantId}/${id}`)
        .describe();
      return historyLength <= historyMax ? historyLength : undefined;
    });
    expect(events).toBeLessThanOrEqual(historyMax);
  });

  it('INV-06: a refusal is the answer of the local activity: it is not asked for again on the task queue', async () => {
    await waitFor('a refusal within two seconds', async () => {
      const { id } = await ann.draft();
      expect((await ann.pay(id)).status).toBe(409);
      const run = system.temporal.client.workflow.getHandle(`invoice/${ann.tenantId}/${id}`);
      const { events = [] } = await run.fetchHistory();
      return events?.every((event) => !event.activityTaskScheduledEventAttributes);
    });
  });

  it('support finds an invoice by its attributes and reads its story', async () => {
    const { id, number } = await ann.finalized({
      customerReference: `C-${crypto.randomUUID()}`,
      dueDate: '2030-01-31',
    });
    const attributes = await staff(id).searchAttributes();
    expect(attributes).toMatchObject({
      BillingTenant: [ann.tenantId],
      InvoiceStatus: ['finalized'],
      InvoiceNumber: [number],
      Currency: ['EUR'],
      OpenAmountMinor: [120_000],
      DueAt: [new Date('2030-02-01T00:00:00Z')],
    });
    const details = await staff(id).details();
    expect(details).toContain(`**${number}: finalized**`);
    expect(details).toContain(`| ${ann.tenantId} | ${id} | C`);
    expect(details).toContain('1200.00 EUR');
    expect(details).toMatch(/created \| ann[\s\S]*|finalized \| ann/);
    await waitFor('the list to show it', async () => {
      const found = [];
      for await (const workflow of system.temporal.client.workflow.list({
        query: `InvoiceNumber="${number}" AND BillingTenant="${ann.tenantId}"`,
      }))
        found.push(workflow.workflowId);
      return found.length === 1;
    });
  });

  it('terminated: nothing is lost, and the next command starts it again with its story', async () => {
    const { id } = await ann.finalized();
    await staff(id).terminate();
    expect((await ann.pay(id)).status).toBe(200);
    await staff(id).waitForStatus('COMPLETED');
    const details = await staff(id).details();
    for (const word of ['created', 'finalized', 'paid']) expect(details).toContain(word);
    expect(await counts(id)).toEqual({ audit: 3, payments: 1, events: 4 });
  });

  it('terminated while a command runs: its caller gets the true answer', async () => {
    const { id } = await ann.finalized();
    // The step waits for this lock; a termination in the meantime makes the outcome of the attempt unknown.
    const answer = await whileItRuns(
      id,
      () => ann.pay(id),
      () => staff(id).terminate(),
    );
    expect(answer).toMatchObject({ status: 200, body: { status: 'paid' } });
    expect(await counts(id)).toEqual({ audit: 3, payments: 1, events: 4 });
  });

  it('Request Cancellation changes nothing', async () => {
    const { id } = await ann.finalized();
    await staff(id).requestCancellation();
    expect(await ann.pay(id)).toMatchObject({ status: 200, body: { status: 'paid' } });
    await staff(id).waitForStatus('COMPLETED');
  });

  it('cancelled while a command runs: the command is carried out all the same', async () => {
    const { id } = await ann.finalized();
    const answer = await whileItRuns(
      id,
      () => ann.pay(id),
      () => staff(id).requestCancellation(),
    );
    expect(answer).toMatchObject({ status: 200, body: { status: 'paid' } });
  });

  it('reset to its beginning: no second event, payment or number, and the next command works', async () => {
    const { id } = await ann.finalized();
    const before = await counts(id);
    await staff(id).resetToBeginning();
    expect(await ann.pay(id)).toMatchObject({ status: 200, body: { status: 'paid', version: 3 } });
    await staff(id).waitForStatus('COMPLETED');
    expect(await counts(id)).toEqual({ audit: before.audit + 1, payments: 1, events: before.events + 1 });
  });

  it('reset after it was paid: the re-applied commands change nothing', async () => {
    const { id } = await ann.finalized();
    await ann.pay(id);
    await staff(id).waitForStatus('COMPLETED');
    const before = await counts(id);
    await staff(id).resetToBeginning();
    await staff(id).waitForStatus('COMPLETED');
    expect(await counts(id)).toEqual(before);
  });

  it('a pay that was refused before a reset is not carried out by it', async () => {
    const { id } = await ann.draft();
    const payment = paymentOf();
    expect((await ann.step(id, 'pay', { body: payment })).status).toBe(409);
    await ann.step(id, 'finalize');
    await staff(id).resetToBeginning();
    await waitFor('the re-applied commands', async () => (await staff(id).details()).includes('finalized'));
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({ status: 'finalized', version: 2 });
    expect(await counts(id)).toEqual({ audit: 2, payments: 0, events: 3 });
    expect((await ann.step(id, 'pay', { body: payment })).status).toBe(200);
  });

  it.each([
    ['nothing', 'cancel', []],
    ['a text', 'cancel', ['please']],
    ['an unknown member', 'cancel', [{ actor: 'ann', body: { reason: null, colour: 'red' } }]],
    ['no body', 'finalize', [{ actor: 'ann' }]],
    [
      'an amount as text',
      'pay',
      [{ actor: 'ann', body: { amountMinor: '12', currency: 'EUR', method: 'x', reference: 'y', receivedAt: null } }],
    ],
    ['a wrong identity', 'cancel', [{ actor: 'ann', body: { reason: null }, identity: { key: 1 } }]],
    ['a currency that is none', 'update', [{ actor: 'ann', body: { amountMinor: 5, currency: 'EURO' } }]],
    ['a currency with a dotless i', 'update', [{ actor: 'ann', body: { amountMinor: 5, currency: 'ısk' } }]],
    ['two amounts', 'update', [{ actor: 'ann', body: { amountMinor: 5, amount: '0.05' } }]],
    ['an amount out of range', 'update', [{ actor: 'ann', body: { amountMinor: 10 ** 14, currency: 'EUR' } }]],
    ['a reference too long', 'update', [{ actor: 'ann', body: { customerReference: 'C'.repeat(5_000) } }]],
    ['a date as an instant', 'pay', [{ actor: 'ann', body: { ...webUiPayment, receivedAt: '2026-11-01' } }]],
    ['no reason to abandon', 'abandon', [{ actor: 'ann' }]],
  ])('a malformed update from the Web UI (%s) is refused, and the next command works', async (_what, name, args) => {
    const { id } = await ann.draft();
    await expect(staff(id).update(name, ...args)).rejects.toThrow(WorkflowUpdateFailedError);
    expect((await ann.step(id, 'finalize')).status).toBe(200);
  });

  it('MSG-05: an instant with an offset, from the Web UI, is the same instant everywhere', async () => {
    const { id } = await ann.finalized();
    const body = { ...webUiPayment, reference: `B-${crypto.randomUUID()}`, receivedAt: '2026-11-01T10:00:00+02:00' };
    await staff(id).update('pay', { actor: 'eve', body });
    const { body: paid } = await ann.request('GET', `/v1/invoices/${id}`);
    expect(paid).toMatchObject({ status: 'paid', paidAt: '2026-11-01T08:00:00.000Z' });
    const { value } = await system.database.outboxEvent.findFirstOrThrow({
      where: { tenantId: ann.tenantId, type: 'billing.invoice.paid.v1', partitionKey: { endsWith: id } },
    });
    expect(JSON.parse(value)).toMatchObject({ invoice: paid, payment: { receivedAt: '2026-11-01T08:00:00.000Z' } });
  });

  it('staff cancel an invoice from the Web UI with a name and a reason', async () => {
    const { id } = await ann.finalized();
    await staff(id).update('cancel', { actor: 'support/eve', body: { reason: 'called' } });
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({
      status: 'cancelled',
      cancelReason: 'called',
    });
    const { body: history } = await ann.request<{ items: { actor: string }[] }>('GET', `/v1/invoices/${id}/history`);
    expect(history.items.at(-1)).toMatchObject({ actor: 'support/eve', action: 'cancel' });
  });

  it('a run that staff have started like another one has none of its attributes', async () => {
    const { id } = await ann.draft();
    await staff(id).terminate();
    await system.temporal.client.workflow.start('invoice', {
      workflowId: `invoice/${ann.tenantId}/${id}`,
      taskQueue: system.config.TEMPORAL_TASK_QUEUE,
      args: [{ tenantId: ann.tenantId, invoiceId: id }],
      typedSearchAttributes: [
        { key: searchAttributes.billingTenant, value: crypto.randomUUID() },
        { key: searchAttributes.invoiceNumber, value: 'INV-2020-000001' },
        { key: searchAttributes.customerReference, value: 'C-1' },
        { key: searchAttributes.dueAt, value: new Date(0) },
        { key: searchAttributes.overdue, value: true },
        { key: searchAttributes.stuck, value: true },
      ],
    });
    const empty = ['InvoiceNumber', 'CustomerReference', 'DueAt', 'Overdue', 'Stuck'];
    const query = [
      `WorkflowId="invoice/${ann.tenantId}/${id}" AND ExecutionStatus="Running"`,
      `BillingTenant="${ann.tenantId}" AND InvoiceStatus="draft"`,
      ...empty.map((name) => `${name} IS NULL`),
    ].join(' AND ');
    const { count } = await waitFor('the list to show it', async () => {
      const counted = await system.temporal.client.workflow.count(query);
      return counted.count > 0 && counted;
    });
    expect(count).toBe(1);
  });

  it('a due date on the last day of the calendar is an attribute that Temporal takes', async () => {
    const { id } = await ann.finalized({ dueDate: '9999-12-31' });
    expect(await staff(id).searchAttributes()).toMatchObject({ DueAt: [new Date('9999-12-31T00:00:00Z')] });
    expect((await ann.pay(id)).status).toBe(200);
  });

  it('a run started by hand for an invoice that does not exist ends as abandoned', async () => {
    const invoiceId = crypto.randomUUID();
    const workflowId = `invoice/${ann.tenantId}/${invoiceId}`;
    const result = await system.temporal.client.workflow.execute('invoice', {
      workflowId,
      taskQueue: system.config.TEMPORAL_TASK_QUEUE,
      args: [{ tenantId: ann.tenantId, invoiceId }],
    });
    expect(result).toEqual({ ended: 'abandoned' });
  });

  it('what was queued behind the final step is still answered', async () => {
    const { id } = await ann.finalized();
    const answers = await Promise.all([
      ann.pay(id),
      ann.step(id, 'cancel'),
      ann.step(id, 'finalize'),
      ann.step(id, 'cancel'),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(3);
  });

  /** Starts a command, and lets `meanwhile` happen while its step waits for the lock of the invoice's row. */
  async function whileItRuns<T>(id: string, start: () => Promise<T>, meanwhile: () => Promise<void>): Promise<T> {
    let started: Promise<T> | undefined;
    await system.database.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT 1 FROM invoices WHERE id = ${id}::uuid FOR UPDATE`;
        started = start();
        await aStepWaits();
        await meanwhile();
      },
      { timeout: atMost(10_000) },
    );
    if (!started) throw new Error('Nothing was started.');
    return started;
  }

  const aStepWaits = () =>
    waitFor('a step that waits for the lock', async () => {
      const [row] = await system.database.$queryRaw<{ n: bigint }[]>`
        SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'test'`;
      return (row?.n ?? 0n) > 0n;
    });
});
