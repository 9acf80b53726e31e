/** Payments that arrive on Kafka: the test speaks HTTP and Kafka, as a gateway and an application would. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireInvoice } from '../../domain/invoice-schema.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const TOPIC = 'test.billing.public.payments.v1';

let system: System;
let subscriber: Subscriber;
let producer: kafkajs.Producer;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  subscriber = await subscribe();
  producer = new kafkajs.Kafka({ brokers: system.config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
});
afterAll(async () => {
  await producer?.disconnect();
  await subscriber?.stop();
  await system?.stop();
});

interface Message {
  key: string;
  headers: Record<string, string>;
  value: string;
}

function paymentMessage(tenantId: string, invoiceId: string, changes: Record<string, unknown> = {}): Message {
  const data = {
    tenantId,
    invoiceId,
    amount: '1200.00',
    currency: 'EUR',
    paymentMethod: 'credit card',
    paymentReference: `GW-${randomUUID()}`,
    receivedAt: new Date().toISOString(),
    ...changes,
  };
  return {
    key: `${tenantId}|${invoiceId}`,
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: '/gateway',
      ce_type: 'billing.payment.received.v1',
      ce_time: new Date().toISOString(),
      ce_tenantid: tenantId,
      'content-type': 'application/json',
    },
    value: JSON.stringify(data),
  };
}

const send = (...messages: Message[]) => producer.send({ topic: TOPIC, messages });
const read = async (tenantId: string, id: string) =>
  (await system.caller(tenantId).request<WireInvoice>('GET', `/v1/invoices/${id}`)).body;
const untilPaid = (tenantId: string, id: string) =>
  waitFor('the payment', async () => ((await read(tenantId, id)).status === 'paid' ? true : undefined));
const untilKept = (eventId: string | undefined) =>
  waitFor('the dead letter', () => system.database.deadLetter.findFirst({ where: { eventId: eventId ?? '' } }));

it('PAY-02: create, finalize, a payment on Kafka: the invoice is paid, and InvoicePaid is on Kafka', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  await send(paymentMessage(ann.tenantId, id, { paymentReference: 'GW-1' }));
  await untilPaid(ann.tenantId, id);
  const paid = await waitFor('InvoicePaid', async () =>
    subscriber.firstOf(ann.tenantId).find(({ type }) => type === 'billing.invoice.paid.v1'),
  );
  expect(paid.data).toMatchObject({ payment: { amount: '1200.00', method: 'credit card', reference: 'GW-1' } });
});

it('PAY-03: delivered ten times, it is paid once', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, id);
  await send(...Array.from({ length: 10 }, () => message));
  await untilPaid(ann.tenantId, id);
  // One partition: what comes behind the ten shows that they were handled.
  const other = await ann.finalized();
  await send({ ...paymentMessage(ann.tenantId, other.id), key: message.key });
  await untilPaid(ann.tenantId, other.id);
  expect(await system.database.payment.count({ where: { tenantId: ann.tenantId, invoiceId: id } })).toBe(1);
  expect(await system.database.deadLetter.count({ where: { tenantId: ann.tenantId } })).toBe(0);
});

it('a CloudEvent in structured mode is the same payment', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const { key, value, headers } = paymentMessage(ann.tenantId, id);
  const { ce_id: eventId, ce_time: time } = headers;
  const event = {
    specversion: '1.0',
    id: eventId,
    source: '/gateway',
    type: 'billing.payment.received.v1',
    time,
    tenantid: ann.tenantId,
    datacontenttype: 'application/json',
    data: JSON.parse(value) as unknown,
  };
  await send({ key, headers: { 'content-type': 'application/cloudevents+json' }, value: JSON.stringify(event) });
  expect(await untilPaid(ann.tenantId, id)).toBe(true);
});

it('PAY-04: a payment that the rules refuse is kept with the reason, and the invoice is unchanged', async () => {
  const ann = system.caller();
  const draft = await ann.draft();
  const final = await ann.finalized();
  const refused: [string, Message][] = [
    ['transition_not_allowed', paymentMessage(ann.tenantId, draft.id)],
    ['payment_below_amount', paymentMessage(ann.tenantId, final.id, { amount: '1.00' })],
    ['currency_mismatch', paymentMessage(ann.tenantId, final.id, { currency: 'USD' })],
    ['invoice_not_found', paymentMessage(ann.tenantId, randomUUID())],
  ];
  await send(...refused.map(([, message]) => message));
  for (const [reason, { headers, value }] of refused) {
    const kept = await untilKept(headers['ce_id']);
    expect(kept).toMatchObject({ reason, tenantId: ann.tenantId, topic: TOPIC });
    expect(Buffer.from(kept.value ?? []).toString()).toBe(value);
  }
  expect((await read(ann.tenantId, final.id)).status).toBe('finalized');
});

it('PAY-05, TEN-02: what cannot be read, or names two tenants, is kept, and the next record is handled', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const foreign = { ...paymentMessage(ann.tenantId, id), key: `${randomUUID()}|${id}` };
  const incomplete = paymentMessage(ann.tenantId, id, { amount: undefined });
  const good = paymentMessage(ann.tenantId, id);
  const unknown = {
    ...good,
    headers: { ...good.headers, ce_id: randomUUID(), ce_type: 'gateway.payment.announced.v1' },
  };
  const before = await system.database.deadLetter.count();
  await send({ key: good.key, headers: {}, value: '\u0000 no event' }, foreign, incomplete, unknown, good);
  await untilPaid(ann.tenantId, id);
  expect(await untilKept(foreign.headers['ce_id'])).toMatchObject({ reason: 'tenant_mismatch', tenantId: null });
  expect(await untilKept(incomplete.headers['ce_id'])).toMatchObject({ reason: 'invalid_data' });
  await waitFor('the unreadable one', async () => (await system.database.deadLetter.count()) === before + 3);
});
