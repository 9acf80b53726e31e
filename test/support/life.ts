/** A life of every kind, so that checks have something to look at. */
import { randomUUID } from 'node:crypto';
import { addDays, dateOf } from '../../values/dates.ts';
import { type Answer, type Caller, paymentOf } from './caller.ts';
import { outcomesIn, paymentMessage, startGateway } from './gateway.ts';
import { decide } from './dead-letters.ts';
import type { System } from './system.ts';
import { waitFor } from './wait.ts';

/** Ids of what has an end of its own; there is more. */
export interface Life {
  draft: string;
  /** Overdue, with reminders to come. */
  finalized: string;
  paid: string;
  /** Paid, by a cashier. */
  collected: string;
  openDeadLetter: string;
}

async function newCashier(ann: Caller, name: string): Promise<string> {
  const body = { name, email: `${randomUUID()}@example.com` };
  return (await ann.request<{ id: string }>('POST', '/v1/cashiers', { body })).body.id;
}

/**
 * Invoices in every status, a cashier's payments, what time tells, a billing run, dead letters; then all is quiet. The
 * system runs the consumer, and overdue begins at once.
 */
export async function live(system: System, ann: Caller): Promise<Life> {
  const today = dateOf(new Date().toISOString());
  const cashierId = await newCashier(ann, 'Front desk');
  await ann.request('PUT', `/v1/cashiers/${cashierId}/currencies/EUR`, { body: { effectiveFrom: today } });
  await ann.request('DELETE', `/v1/cashiers/${cashierId}/currencies/USD`);
  await ann.request('PATCH', `/v1/cashiers/${cashierId}`, { body: { name: 'Desk' } });
  await ann.request('DELETE', `/v1/cashiers/${await newCashier(ann, 'Gone')}`);

  const draft = await ann.draft();
  await ann.request('PATCH', `/v1/invoices/${draft.id}`, { body: { name: 'Hosting, December' } });
  const finalized = await ann.finalized({ dueDate: addDays(today, 20) });
  const refused = await ann.finalized({ dueDate: addDays(today, 20) });
  await expectStatus(422, ann.pay(refused.id, { amount: '1.00' }));
  const cancelled = await ann.finalized();
  await ann.step(cancelled.id, 'cancel', { body: { reason: 'Ordered twice' } });
  await ann.step((await ann.draft()).id, 'cancel');
  const paid = await ann.finalized();
  const payment = paymentOf();
  await ann.pay(paid.id, payment);
  // Another key, so that it is no replay of the command.
  await expectStatus(200, ann.pay(paid.id, payment));
  const collected = await ann.finalized({ cashierId });
  await ann.pay(collected.id);
  const announced = await ann.finalized();
  await ann.step(announced.id, 'simulate-payment');
  await outcomesIn(system).untilPaid(ann.tenantId, announced.id);

  await ann.draft({ dueDate: today });
  await ann.draft({ dueDate: today });
  await ann.request('POST', '/v1/billing-runs', { body: { businessDate: today } });
  const [openDeadLetter, decided] = await openDeadLetters(system, ann.tenantId, draft.id);
  await decide(ann, decided, 'discard');
  await untilQuiet(system, ann.tenantId);
  return { draft: draft.id, finalized: finalized.id, paid: paid.id, collected: collected.id, openDeadLetter };
}

/** Two payments of a draft, which are refused. */
async function openDeadLetters(system: System, tenantId: string, draftId: string): Promise<[string, string]> {
  const gateway = await startGateway(system);
  const messages = [paymentMessage(tenantId, draftId), paymentMessage(tenantId, draftId)] as const;
  await gateway.send(...messages);
  const { untilStored } = outcomesIn(system);
  const deadLetters: [string, string] = [(await untilStored(messages[0])).id, (await untilStored(messages[1])).id];
  await gateway.stop();
  return deadLetters;
}

async function expectStatus(expected: number, answer: Promise<Answer<unknown>>): Promise<void> {
  const { status, body } = await answer;
  if (status !== expected) throw new Error(`Expected ${expected}, got ${status}: ${JSON.stringify(body)}`);
}

/** Everything is published, woken, finalized and told. */
export const untilQuiet = ({ database }: System, tenantId: string) =>
  waitFor('quiet', async () => {
    const waiting = [
      await database.outboxEvent.count({ where: { tenantId, publishedAt: null } }),
      await database.workflowWakeup.count({ where: { tenantId } }),
      await database.billingRun.count({ where: { tenantId, endedAt: null } }),
      await database.invoice.count({ where: { tenantId, status: 'finalized', overdueToldAt: null } }),
    ];
    return waiting.every((count) => count === 0);
  });
