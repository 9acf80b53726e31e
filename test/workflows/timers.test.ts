/** Overdue and reminders, with skipped time: sixty days in seconds, through worker restarts and terminations. */
import { workflowTypes } from '../../workflows/contract/common.ts';
import { WAKE, invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDays, dateOf } from '../../values/dates.ts';
import { testActivities } from '../support/activities.ts';
import { type SkippedTime, skipTime } from '../support/skipped-time.ts';
import { waitFor } from '../support/wait.ts';

let time: SkippedTime;

const handle = (invoiceId: string) => time.env.client.workflow.getHandle(invoiceWorkflowId(time.tenantId, invoiceId));

/** Finalizes a draft that is due in so many days, and returns its id and due date. */
async function finalized(dueInDays = 30) {
  const dueDate = addDays(dateOf(await time.now()), dueInDays);
  const invoiceId = await time.draft({ dueDate });
  expect(await time.send(invoiceId, {})).toMatchObject({
    kind: 'answered',
    answer: { invoice: { status: 'finalized' } },
  });
  return { invoiceId, dueDate };
}

const payment = () => ({
  amountMinor: 120_000,
  currency: 'EUR',
  method: 'bank transfer',
  reference: `PAY-${randomUUID()}`,
  receivedAt: null,
});

/** What time has told about an invoice: the event, on which day, and which reminder. */
async function toldAbout(invoiceId: string): Promise<[string, string, number?][]> {
  const events = await time.database.outboxEvent.findMany({
    where: { tenantId: time.tenantId, partitionKey: { endsWith: invoiceId }, type: { contains: 'due' } },
    orderBy: { position: 'asc' },
  });
  const audit = await time.database.auditEntry.findMany({
    where: { tenantId: time.tenantId, entityId: invoiceId, action: { in: ['overdue', 'remind'] } },
    orderBy: { sequence: 'asc' },
  });
  return events.map(({ type, value }, index) => {
    const { reminder } = JSON.parse(value) as { reminder?: number };
    const day = audit[index]?.at.toISOString().slice(0, 10) ?? 'without an audit row';
    return reminder === undefined ? [type, day] : [type, day, reminder];
  });
}

const OVERDUE = 'billing.invoice.overdue.v1';
const REMINDER = 'billing.invoice.payment-reminder-due.v1';
const allOf = (dueDate: string): [string, string, number?][] => [
  [REMINDER, addDays(dueDate, -1), 1],
  [OVERDUE, addDays(dueDate, 1)],
  [REMINDER, addDays(dueDate, 1), 2],
  [REMINDER, addDays(dueDate, 4), 3],
  [REMINDER, addDays(dueDate, 7), 4],
  [REMINDER, addDays(dueDate, 10), 5],
];

describe.each([
  { worker: 'a worker that remembers', maxCachedWorkflows: 100 },
  { worker: 'a worker that has just started at every task', maxCachedWorkflows: 0 },
])('timers on $worker', ({ maxCachedWorkflows }) => {
  beforeAll(async () => {
    time = await skipTime({ maxCachedWorkflows });
  });
  afterAll(() => time?.stop());

  it('TIM-01, TIM-02, TIM-03: sixty days unpaid: overdue once, five reminders on their days, and the version stays', async () => {
    const { invoiceId, dueDate } = await finalized(30);
    const details = await time.staff(invoiceId).details();
    expect(details).toContain(`Payment reminder 1 of 5: ${addDays(dueDate, -1)} 00:00:00 UTC`);
    expect(details).toContain(`Overdue begins: ${addDays(dueDate, 1)} 00:00:00 UTC`);
    await time.env.sleep('31 days');
    await waitFor('overdue', async () => (await time.staff(invoiceId).searchAttributes())['Overdue']?.toString());
    expect((await toldAbout(invoiceId)).length).toBe(3);
    await time.env.sleep('29 days');
    expect(await toldAbout(invoiceId)).toEqual(allOf(dueDate));
    const invoice = await time.database.invoice.findFirstOrThrow({ where: { id: invoiceId } });
    expect(invoice).toMatchObject({ status: 'finalized', version: 2, remindersSent: 5, nextTimerAt: null });
    const keys = await time.database.command.findMany({
      where: { entityId: invoiceId, key: { startsWith: 'timer:' } },
    });
    expect(keys.length).toBe(6);
    expect(await time.staff(invoiceId).details()).toContain('finalized, overdue');
    // Still answers commands, and is no longer overdue when it is paid.
    const paid = await time.send(invoiceId, { step: 'pay', body: payment(), expectedVersion: 2 });
    expect(paid).toMatchObject({
      kind: 'answered',
      answer: { invoice: { status: 'paid', overdue: false, version: 3 } },
    });
    expect(await handle(invoiceId).result()).toEqual({ ended: 'paid' });
  });

  it.each([
    { step: 'pay' as const, body: payment(), ended: 'paid' },
    { step: 'cancel' as const, body: { reason: 'Ordered twice' }, ended: 'cancelled' },
  ])('TIM-02: none after it is $ended', async ({ step, body, ended }) => {
    const { invoiceId } = await finalized(30);
    await time.env.sleep('30 days');
    expect((await toldAbout(invoiceId)).length).toBe(1);
    expect(await time.send(invoiceId, { step, body })).toMatchObject({ kind: 'answered' });
    expect(await handle(invoiceId).result()).toEqual({ ended });
    await time.env.sleep('30 days');
    expect((await toldAbout(invoiceId)).length).toBe(1);
    expect(await time.database.invoice.findFirstOrThrow({ where: { id: invoiceId } })).toMatchObject({
      nextTimerAt: null,
    });
  });

  it('TIM-04: terminated and started again late: a missed overdue at once, and only the latest missed reminder', async () => {
    const { invoiceId, dueDate } = await finalized(10);
    await time.staff(invoiceId).terminate();
    await time.env.sleep('16 days');
    expect(await toldAbout(invoiceId)).toEqual([]);
    await wake(invoiceId);
    const day = dateOf(await time.now());
    await waitFor('what was missed', async () => (await toldAbout(invoiceId)).length === 2);
    expect(await toldAbout(invoiceId)).toEqual([
      [OVERDUE, day],
      [REMINDER, day, 3],
    ]);
    await time.env.sleep('30 days');
    expect((await toldAbout(invoiceId)).slice(2)).toEqual(allOf(dueDate).slice(4));
  });

  it('TIM-03: terminated and started again, it tells nothing again', async () => {
    const { invoiceId, dueDate } = await finalized(10);
    await time.env.sleep('12 days');
    await waitFor('three', async () => (await toldAbout(invoiceId)).length === 3);
    await time.staff(invoiceId).terminate();
    await wake(invoiceId);
    await time.env.sleep('30 days');
    expect(await toldAbout(invoiceId)).toEqual(allOf(dueDate));
  });

  it('TIM-01: finalized by somebody else, a wake-up sets the timers', async () => {
    const dueDate = addDays(dateOf(await time.now()), 10);
    const invoiceId = await time.draft({ dueDate });
    await testActivities(time.database).finalizeInvoice({
      tenantId: time.tenantId,
      invoiceId,
      key: randomUUID(),
      fingerprint: 'run',
      attemptId: randomUUID(),
      acceptedAt: await time.now(),
      actor: 'billing run',
      expectedVersion: null,
      body: {},
    });
    await wake(invoiceId);
    await waitFor('the number', async () => (await time.staff(invoiceId).details()).includes('INV-'));
    await time.env.sleep('40 days');
    expect(await toldAbout(invoiceId)).toEqual(allOf(dueDate));
  });

  it('TIM-01: overdue is told after the due date is over, and REST says so from then on', async () => {
    const { invoiceId, dueDate } = await finalized(2);
    const at = async (): Promise<WireInvoice> => {
      const result = await time.send(invoiceId, {
        step: 'pay',
        body: { ...payment(), amountMinor: 1 },
        key: `rest:${randomUUID()}`,
      });
      expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'payment_below_amount' } });
      return JSON.parse(
        (
          await time.database.outboxEvent.findFirstOrThrow({
            where: { partitionKey: { endsWith: invoiceId }, topic: { contains: 'public' } },
            orderBy: { position: 'desc' },
          })
        ).value,
      ).invoice as WireInvoice;
    };
    expect((await at()).overdue).toBe(false);
    await time.env.sleep('4 days');
    await waitFor('overdue', async () => (await toldAbout(invoiceId)).some(([type]) => type === OVERDUE));
    expect((await at()).overdue).toBe(true);
    expect((await toldAbout(invoiceId)).find(([type]) => type === OVERDUE)).toEqual([OVERDUE, addDays(dueDate, 1)]);
  });
});

const wake = (invoiceId: string) =>
  time.env.client.workflow.signalWithStart(workflowTypes.invoice, {
    workflowId: invoiceWorkflowId(time.tenantId, invoiceId),
    taskQueue: 'time',
    args: [{ tenantId: time.tenantId, invoiceId }],
    signal: WAKE,
  });
