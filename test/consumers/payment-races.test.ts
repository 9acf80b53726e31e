/** PAY-06: money and status agree, whoever is quicker, and every payment is accounted for. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Caller } from '../support/caller.ts';
import { type Gateway, eventIdOf, paymentMessage, startGateway } from '../support/gateway.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let gateway: Gateway;
beforeAll(async () => {
  system = await startSystem({ REQUEST_DEADLINE_MS: '30000' }, { consumer: true });
  gateway = await startGateway(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

const RACES = 100;
const AT_ONCE = 10;

/** What is done over REST while the payment arrives. */
const rivals: ((ann: Caller, id: string) => Promise<unknown>)[] = [
  (ann, id) => ann.pay(id),
  (ann, id) => ann.step(id, 'cancel'),
  (ann, id) => ann.request('PATCH', `/v1/invoices/${id}`, { body: { name: 'Another name' } }),
  (ann, id) => Promise.all([ann.pay(id), ann.step(id, 'cancel')]),
];

async function race(ann: Caller, n: number): Promise<{ id: string; eventId: string; reference: string }> {
  const rival = rivals[n % rivals.length];
  // Every other change meets a draft that becomes final at the same moment.
  const isDraft = n % 8 >= 6;
  // The first requests of a busy machine may be answered with 503.
  const { id } = await waitFor('an invoice', () => (isDraft ? ann.draft() : ann.finalized()));
  const reference = `GW-${id}`;
  const message = paymentMessage(ann.tenantId, id, { paymentReference: reference });
  const finalize = async () => (isDraft ? ann.step(id, 'finalize') : undefined);
  const rest = async () => Promise.all([rival?.(ann, id), finalize()]);
  await (n % 2 === 0 ? Promise.all([gateway.send(message), rest()]) : Promise.all([rest(), gateway.send(message)]));
  return { id, reference, eventId: eventIdOf(message) };
}

it('PAY-06: a hundred races of a payment against pay, cancel and update: at most one payment each, paid if and only if there is one, and no message is lost', async () => {
  const ann = system.caller();
  const { tenantId } = ann;
  const races: Awaited<ReturnType<typeof race>>[] = [];
  for (let from = 0; from < RACES; from += AT_ONCE)
    races.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => race(ann, from + n)))));

  const { payments, deadLetters } = await waitFor(
    'an outcome of every message',
    async () => {
      const found = {
        payments: await system.database.payment.findMany({ where: { tenantId } }),
        deadLetters: await system.database.deadLetter.findMany({ where: { tenantId } }),
      };
      const settled = new Set(found.payments.map(({ reference }) => reference));
      const kept = new Set(found.deadLetters.map(({ eventId }) => eventId));
      return races.every(({ reference, eventId }) => settled.has(reference) !== kept.has(eventId)) ? found : undefined;
    },
    90_000,
  );

  const ids = races.map(({ id }) => id);
  const invoices = await system.database.invoice.findMany({ where: { tenantId, id: { in: ids } } });
  expect(invoices).toHaveLength(RACES);
  for (const { id, status, amountPaidMinor, amountMinor, paidAt } of invoices) {
    const own = payments.filter(({ invoiceId }) => invoiceId === id);
    expect(own).toHaveLength(status === 'paid' ? 1 : 0);
    expect(amountPaidMinor).toBe(own.reduce((sum, payment) => sum + payment.amountMinor, 0n));
    expect(amountPaidMinor).toBe(status === 'paid' ? amountMinor : 0n);
    expect(paidAt !== null).toBe(status === 'paid');
  }
  expect(deadLetters.filter(({ reason }) => reason !== 'transition_not_allowed')).toEqual([]);
  const paidEvents = { tenantId, type: 'billing.invoice.paid.v1' };
  expect(await system.database.outboxEvent.count({ where: paidEvents })).toBe(payments.length);
  // A race in which one side always wins proves nothing.
  const byMessage = payments.filter(({ reference }) => reference.startsWith('GW-')).length;
  expect(byMessage).toBeGreaterThan(0);
  expect(deadLetters.length).toBeGreaterThan(0);
});
