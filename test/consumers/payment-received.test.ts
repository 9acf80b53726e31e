/** Payments that arrive on Kafka: the test speaks HTTP and Kafka, as a gateway and an application would. */
import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Gateway,
  type Message,
  PAYMENTS_2_TOPIC,
  PAYMENTS_TOPIC,
  eventIdOf,
  outcomesIn,
  payment2Message,
  paymentMessage,
  startGateway,
} from '../support/gateway.ts';
import { staffOfDeadLetter } from '../support/staff.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
/** The consumer alone, so that it can be stopped and started. */
let consumer: System;
let subscriber: Subscriber;
let gateway: Gateway;
let outcomes: ReturnType<typeof outcomesIn>;
beforeAll(async () => {
  system = await startSystem();
  consumer = await startSystem({}, { worker: false, consumer: true });
  subscriber = await subscribe();
  gateway = await startGateway(system);
  outcomes = outcomesIn(system);
});
afterAll(async () => {
  await gateway?.stop();
  await subscriber?.stop();
  await consumer?.stop();
  await system?.stop();
});

const read = async (tenantId: string, id: string) =>
  (await system.caller(tenantId).request<WireInvoice>('GET', `/v1/invoices/${id}`)).body;

/** One partition: when what comes behind has had its effect, everything before it was handled. */
async function untilHandled(tenantId: string, { key }: Message): Promise<void> {
  const { id } = await system.caller(tenantId).finalized();
  await gateway.send({ ...paymentMessage(tenantId, id), key });
  await outcomes.untilPaid(tenantId, id);
}

it('PAY-02: create, finalize, a payment on Kafka: the invoice is paid, and InvoicePaid is on Kafka', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  await gateway.send(paymentMessage(ann.tenantId, id, { paymentReference: 'GW-1' }));
  await outcomes.untilPaid(ann.tenantId, id);
  const paid = await waitFor('InvoicePaid', async () =>
    subscriber.firstOf(ann.tenantId).find(({ type }) => type === 'billing.invoice.paid.v1'),
  );
  expect(paid.data).toMatchObject({ payment: { amount: '1200.00', method: 'credit card', reference: 'GW-1' } });
});

it('PAY-07: version 2 pays as version 1 does, and a payment that comes by both counts once', async () => {
  const ann = system.caller();
  const [one, both] = [await ann.finalized(), await ann.finalized()];
  await gateway.sendTo(PAYMENTS_2_TOPIC, payment2Message(ann.tenantId, one.id, { reference: 'GW-2' }));
  await outcomes.untilPaid(ann.tenantId, one.id);
  await gateway.sendTo(PAYMENTS_2_TOPIC, payment2Message(ann.tenantId, both.id, { reference: 'GW-3' }));
  await outcomes.untilPaid(ann.tenantId, both.id);
  const again = paymentMessage(ann.tenantId, both.id, { paymentReference: 'GW-3' });
  await gateway.send(again);
  await untilHandled(ann.tenantId, again);
  expect(await system.database.payment.count({ where: { tenantId: ann.tenantId, invoiceId: both.id } })).toBe(1);
  expect(await system.database.deadLetter.count({ where: { eventId: eventIdOf(again) } })).toBe(0);
});

it('PAY-07: what is wrong is told as the version calls it, and version 2 counts on its own topic only', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const wrong = payment2Message(ann.tenantId, id, { amount: '12.345', method: '' });
  const elsewhere = payment2Message(ann.tenantId, id);
  await gateway.sendTo(PAYMENTS_2_TOPIC, wrong);
  await gateway.send(elsewhere);
  const letterOf = (message: Message) =>
    waitFor('its dead letter', () => system.database.deadLetter.findFirst({ where: { eventId: eventIdOf(message) } }));
  const { reason, detail } = await letterOf(wrong);
  expect(reason).toBe('invalid_data');
  expect(detail).toContain('payment.amount');
  expect(detail).toContain('payment.method');
  expect(await letterOf(elsewhere)).toMatchObject({ reason: 'wrong_topic' });
});

it('PAY-03: delivered ten times, it is paid once', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, id);
  await gateway.send(...Array.from({ length: 10 }, () => message));
  await outcomes.untilPaid(ann.tenantId, id);
  await untilHandled(ann.tenantId, message);
  expect(await outcomes.payments(ann.tenantId, id)).toBe(1);
  expect(await outcomes.deadLetters(ann.tenantId)).toBe(0);
});

it('PAY-03: delivered ten times and read again from the beginning, nothing changes: one payment, one InvoicePaid, one dead letter', async () => {
  const ann = system.caller();
  const paid = await ann.finalized();
  const draft = await ann.draft();
  const good = paymentMessage(ann.tenantId, paid.id);
  const refused = paymentMessage(ann.tenantId, draft.id);
  await gateway.send(...Array.from({ length: 10 }, () => [good, refused]).flat());
  await outcomes.untilPaid(ann.tenantId, paid.id);
  const deadLetter = await outcomes.untilStored(refused);
  await untilHandled(ann.tenantId, good);
  await untilHandled(ann.tenantId, refused);
  // What was kept is a person's: the draft could be paid now, and still must not be paid by a second delivery.
  expect((await ann.step(draft.id, 'finalize')).status).toBe(200);
  const events = await waitFor('all events', async () => {
    const { status } = await ann.request('GET', '/health/ready');
    const waiting = await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId, publishedAt: null } });
    return status === 200 && waiting === 0
      ? system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } })
      : undefined;
  });

  await consumer.stop();
  await gateway.resetConsumer();
  consumer = await startSystem({}, { worker: false, consumer: true });
  await untilHandled(ann.tenantId, good);
  await untilHandled(ann.tenantId, refused);

  expect(await outcomes.payments(ann.tenantId, paid.id)).toBe(1);
  expect(await read(ann.tenantId, draft.id)).toMatchObject({ status: 'finalized', version: 2 });
  expect(await system.database.deadLetter.findMany({ where: { tenantId: ann.tenantId } })).toEqual([deadLetter]);
  // The two invoices that came behind the reset have four events each, as they had before it.
  expect(await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } })).toBe(events + 8);
  const told = subscriber.of(ann.tenantId).filter(({ type, key }) => type.includes('.paid.') && key.endsWith(paid.id));
  expect(told).toHaveLength(1);
});

const structuredWays: Record<string, (value: string) => object> = {
  'with its time': (value) => ({ time: new Date().toISOString(), data: JSON.parse(value) as unknown }),
  'without the optional time': (value) => ({ data: JSON.parse(value) as unknown }),
  'with data_base64': (value) => ({ data_base64: Buffer.from(value).toString('base64') }),
};

it.each(Object.entries(structuredWays))(
  'PAY-02: a CloudEvent in structured mode is the same payment, %s, and in any case of its media type',
  async (_name, membersOf) => {
    const ann = system.caller();
    const { id } = await ann.finalized();
    const { key, value, headers } = paymentMessage(ann.tenantId, id);
    const event = {
      specversion: '1.0',
      id: headers['ce_id'],
      source: '/gateway',
      type: 'billing.payment.received.v1',
      tenantid: ann.tenantId,
      datacontenttype: 'application/json',
      ...membersOf(value),
    };
    const structured = { 'content-type': 'Application/CloudEvents+JSON; charset=utf-8' };
    await gateway.send({ key, headers: structured, value: JSON.stringify(event) });
    expect(await outcomes.untilPaid(ann.tenantId, id)).toMatchObject({ status: 'paid' });
  },
);

it('PAY-05, TEN-02: what cannot be read, or names two tenants, is kept, and the next record is handled', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const foreign = { ...paymentMessage(ann.tenantId, id), key: `${randomUUID()}|${id}` };
  const otherHeader = paymentMessage(ann.tenantId, id);
  otherHeader.headers['ce_tenantid'] = randomUUID();
  const incomplete = paymentMessage(ann.tenantId, id, { amount: undefined });
  const good = paymentMessage(ann.tenantId, id);
  const noEvent = { key: good.key, headers: {}, value: `\u0000 no event ${randomUUID()}` };
  const noJson = { ...paymentMessage(ann.tenantId, id), value: '{' };
  const tombstone = { ...paymentMessage(ann.tenantId, id), value: null };
  await gateway.send(noEvent, foreign, otherHeader, incomplete, noJson, tombstone, good);
  await outcomes.untilPaid(ann.tenantId, id);
  expect(await outcomes.untilStored(foreign)).toMatchObject({ reason: 'tenant_mismatch', tenantId: null });
  expect(await outcomes.untilStored(otherHeader)).toMatchObject({ reason: 'tenant_mismatch', tenantId: null });
  for (const invalid of [incomplete, noJson, tombstone])
    expect(await outcomes.untilStored(invalid)).toMatchObject({
      reason: 'invalid_data',
      tenantId: ann.tenantId,
      source: '/gateway',
      type: 'billing.payment.received.v1',
    });
  const { body } = await ann.request<{ items: { eventId: string }[] }>('GET', '/v1/dead-letters?reason=invalid_data');
  expect(new Set(body.items.map(({ eventId }) => eventId))).toEqual(
    new Set([incomplete, noJson, tombstone].map(eventIdOf)),
  );
  const kept = await waitFor('the unreadable one', () =>
    system.database.deadLetter.findFirst({ where: { value: Buffer.from(noEvent.value), key: Buffer.from(good.key) } }),
  );
  expect(kept).toMatchObject({ reason: 'not_a_cloud_event', tenantId: null, eventId: null, topic: PAYMENTS_TOPIC });
});

const hour = 60 * 60 * 1000;
const namedFaults: Record<string, { changes: object; reason: string; names: string }> = {
  'received in the future': {
    changes: { receivedAt: new Date(Date.now() + hour).toISOString() },
    reason: 'validation_failed',
    names: 'receivedAt: must not be more than five minutes in the future',
  },
  'without a method': { changes: { paymentMethod: '' }, reason: 'invalid_data', names: 'paymentMethod: ' },
  'without a reference': { changes: { paymentReference: ' ' }, reason: 'invalid_data', names: 'paymentReference: ' },
};

it.each(Object.entries(namedFaults))(
  'PAY-04: %s: the dead letter and its page name the field and what is wrong with it',
  async (_name, { changes, reason, names }) => {
    const ann = system.caller();
    const { id: invoiceId } = await ann.finalized();
    const message = paymentMessage(ann.tenantId, invoiceId, { ...changes });
    await gateway.send(message);
    const { id } = await outcomes.untilStored(message);
    const { body } = await ann.request<{ reason: string; detail: string }>('GET', `/v1/dead-letters/${id}`);
    expect(body.reason).toBe(reason);
    expect(body.detail).toContain(names);
    const staff = staffOfDeadLetter(system.temporal.client, system.temporal.namespace, id);
    await waitFor('the page', async () => (await staff.details()).includes(names));
  },
);

it('PAY-05: without an id of its own an event is refused: every delivery would be another payment', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const { key, value } = paymentMessage(ann.tenantId, id);
  const event = { specversion: '1.0', source: '/gateway', type: 'billing.payment.received.v1' };
  const text = JSON.stringify({ ...event, tenantid: ann.tenantId, data: JSON.parse(value) as unknown });
  await gateway.send({ key, headers: { 'content-type': 'application/cloudevents+json' }, value: text });
  const kept = await waitFor('the dead letter', () =>
    system.database.deadLetter.findFirst({ where: { value: Buffer.from(text) } }),
  );
  expect(kept).toMatchObject({ reason: 'not_a_cloud_event', detail: 'The event has no id.' });
  expect((await read(ann.tenantId, id)).status).toBe('finalized');
});

it('PAY-05: an id too long for an index does not stop the partition', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  const longId = paymentMessage(ann.tenantId, randomUUID());
  longId.headers['ce_id'] = 'x'.repeat(10_000);
  const good = paymentMessage(ann.tenantId, id);
  await gateway.send({ ...longId, key: `${ann.tenantId}|${id}` }, good);
  await outcomes.untilPaid(ann.tenantId, id);
  const [deadLetter] = await system.database.deadLetter.findMany({ where: { tenantId: ann.tenantId } });
  expect(deadLetter).toMatchObject({ reason: 'invoice_not_found', eventId: null });
});

it('the same source and id with other data is another message: refused, it is kept too', async () => {
  const ann = system.caller();
  const first = await ann.draft();
  const second = await ann.draft();
  const message = paymentMessage(ann.tenantId, first.id);
  const reused = paymentMessage(ann.tenantId, second.id);
  reused.headers['ce_id'] = eventIdOf(message);
  await gateway.send(message, { ...reused, key: message.key });
  const kept = await waitFor('both dead letters', async () => {
    const deadLetters = await system.database.deadLetter.findMany({ where: { tenantId: ann.tenantId } });
    return deadLetters.length === 2 ? deadLetters.toSorted((a, b) => Number(a.offset) - Number(b.offset)) : undefined;
  });
  expect(kept.map(({ eventId, reason }) => [eventId, reason])).toEqual([
    [eventIdOf(message), 'transition_not_allowed'],
    [eventIdOf(message), 'transition_not_allowed'],
  ]);
});
