/** The main scenario, in HTTP and Kafka alone. */
import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import { noDeps } from '../support/published.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let subscriber: Subscriber;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  subscriber = await subscribe();
});
afterAll(async () => {
  await subscriber?.stop();
  await system?.stop();
});

it('PAY-01, PAY-02: create, finalize, simulate-payment: Kafka, consumer, paid, and InvoicePaid on Kafka', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const announced = await ann.step(id, 'simulate-payment');
  expect(announced).toMatchObject({
    status: 202,
    body: { invoiceId: id, amount: '1200.00', currency: 'EUR', paymentMethod: 'credit card' },
  });
  const { paymentReference } = announced.body as unknown as { paymentReference: string };
  expect(paymentReference).toMatch(/^SIM-[0-9a-f-]{36}$/);
  const paid = await waitFor('the payment', async () => {
    const { body } = await ann.request<WireInvoice>('GET', `/v1/invoices/${id}`);
    return body.status === 'paid' ? body : undefined;
  });
  expect(paid).toMatchObject({ amountPaid: '1200.00', version: 3 });
  const events = await subscriber.waitForEvents(ann.tenantId, 5);
  const [received, settled] = ['billing.payment.received.v1', 'billing.invoice.paid.v1'].map((type) =>
    events.find((event) => event.type === type),
  );
  expect(received).toMatchObject({
    topic: 'test.billing.public.payments.v1',
    key: `${ann.tenantId}|${id}`,
    sequence: 1,
  });
  expect(settled?.data).toMatchObject({ payment: { reference: paymentReference, amount: '1200.00' } });
});

it('PAY-01: members that are given are announced, whatever the status, and the invoice stays as it is', async () => {
  const ann = system.caller();
  const { id } = await ann.draft();
  const body = { amount: '7', currency: 'JPY', method: 'wire', reference: 'R-1', receivedAt: '2026-01-01T00:00:00Z' };
  expect(await ann.step(id, 'simulate-payment', { body })).toMatchObject({
    status: 202,
    body: { amount: '7', currency: 'JPY', paymentMethod: 'wire', paymentReference: 'R-1' },
  });
  expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({ status: 'draft', version: 1 });
  const message = await waitFor('the message', async () =>
    subscriber.firstOf(ann.tenantId).find(({ type }) => type === 'billing.payment.received.v1'),
  );
  expect(message.data).toMatchObject({ amount: '7', currency: 'JPY', receivedAt: '2026-01-01T00:00:00.000Z' });
});

it('PAY-01, INV-03: the same key announces once; the key of another request is refused', async () => {
  const ann = system.caller();
  const { id } = await ann.draft();
  const headers = { 'Idempotency-Key': `sim-${randomUUID()}` };
  const first = await ann.step(id, 'simulate-payment', { headers });
  const second = await ann.step(id, 'simulate-payment', { headers });
  expect(second.body).toEqual(first.body);
  expect(second.headers.get('Idempotency-Replayed')).toBe('true');
  expect(await ann.step(id, 'simulate-payment', { headers, body: { amount: '1.00' } })).toMatchObject({ status: 422 });
  const type = 'billing.payment.received.v1';
  expect(await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId, type } })).toBe(1);
});

it('PAY-01: what no payment could be is refused with its faults', async () => {
  const ann = system.caller();
  const { id } = await ann.draft();
  const body = { amount: '1.234', currency: 'EUR', extra: 1 };
  const refused = await ann.step(id, 'simulate-payment', { body });
  expect(refused).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
});

it('PAY-01: absent in production', () => {
  const paths = (simulatePayments: boolean) => apiRoutes({ ...noDeps, simulatePayments }).map(({ path }) => path);
  expect(paths(true)).toContain('/v1/invoices/{id}/simulate-payment');
  expect(paths(false)).not.toContain('/v1/invoices/{id}/simulate-payment');
});
