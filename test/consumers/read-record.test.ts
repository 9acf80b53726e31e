/** What a record must be to reach a handler. What would break without it: a payment under another tenant's name. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { readRecord } from '../../consumers/read-record.ts';
import type { IncomingRecord } from '../../events/event-source.ts';
import { type Message, PAYMENTS_TOPIC, paymentMessage } from '../support/gateway.ts';

const ann = randomUUID();
const bob = randomUUID();
const handled = ['PaymentReceived', 'BusinessDayEnded'] as const;

const OPERATIONS_TOPIC = 'test.accounting.public.operations.v1';

const read = ({ key, headers, value }: Message, topic = topicFor(headers)) => {
  const place: Pick<IncomingRecord, 'topic' | 'partition' | 'offset'> = { topic, partition: 0, offset: 0n };
  return readRecord({ ...place, key: Buffer.from(key), value: Buffer.from(value), headers }, handled, 'test');
};
const topicFor = (headers: Message['headers']) =>
  headers['ce_type']?.startsWith('accounting') ? OPERATIONS_TOPIC : PAYMENTS_TOPIC;

function businessDay(names: { data?: string | null; key?: string; header?: string }): Message {
  const { headers } = paymentMessage(ann, randomUUID());
  delete headers['ce_tenantid'];
  const data = { businessDate: '2030-01-31', ...(names.data === undefined ? {} : { tenantId: names.data }) };
  return {
    key: `${names.key ?? ''}|2030-01-31`,
    headers: {
      ...headers,
      ce_type: 'accounting.business-day.ended.v1',
      ...(names.header === undefined ? {} : { ce_tenantid: names.header }),
    },
    value: JSON.stringify(data),
  };
}

it('an event on the topic of another is refused: who may write there may not say this', () => {
  const refused = { kind: 'refused', reason: 'wrong_topic' };
  expect(read(paymentMessage(ann, bob), OPERATIONS_TOPIC)).toMatchObject(refused);
  expect(read(businessDay({}), PAYMENTS_TOPIC)).toMatchObject(refused);
});

it('an event of one tenant is read, with its source, id, type and data', () => {
  const message = paymentMessage(ann, bob);
  expect(read(message)).toMatchObject({
    kind: 'event',
    name: 'PaymentReceived',
    tenantId: ann,
    event: { source: '/gateway', id: message.headers['ce_id'], data: { tenantId: ann, invoiceId: bob } },
  });
});

it('TEN-02: data, header and key name one tenant, or all of them none', () => {
  const agreed = [
    businessDay({}),
    businessDay({ data: null, header: '' }),
    businessDay({ data: ann, key: ann, header: ann }),
    businessDay({ data: ann.toUpperCase(), key: ann, header: ann.toUpperCase() }),
  ];
  expect(agreed.map((message) => read(message).kind)).toEqual(agreed.map(() => 'event'));
  const contradictory = [
    businessDay({ key: ann }),
    businessDay({ header: ann }),
    businessDay({ data: ann }),
    businessDay({ data: ann, key: ann }),
    businessDay({ data: ann, header: ann }),
    businessDay({ data: ann, key: ann, header: bob }),
    businessDay({ data: ann, key: bob, header: ann }),
  ];
  for (const message of contradictory)
    expect(read(message)).toMatchObject({ kind: 'refused', reason: 'tenant_mismatch' });
});

it('PAY-05: what is no event, has a type that nobody handles, or wrong data, is told apart', () => {
  const good = paymentMessage(ann, bob);
  const { ce_id: _id, ...withoutId } = good.headers;
  expect(read({ ...good, headers: withoutId })).toMatchObject({ reason: 'not_a_cloud_event' });
  for (const wrong of [{ ce_specversion: '7' }, { ce_type: '' }, { ce_source: '' }, { ce_time: 'noon' }])
    expect(read({ ...good, headers: { ...good.headers, ...wrong } })).toMatchObject({ reason: 'not_a_cloud_event' });
  expect(read({ ...good, value: '' })).toMatchObject({ reason: 'not_a_cloud_event' });
  expect(read({ ...good, value: '{}' })).toMatchObject({ reason: 'invalid_data', identity: { source: '/gateway' } });
  const unknown = { ...good.headers, ce_type: 'billing.payment.received.v2' };
  expect(read({ ...good, headers: unknown })).toEqual({ kind: 'unhandled', type: 'billing.payment.received.v2' });
});
