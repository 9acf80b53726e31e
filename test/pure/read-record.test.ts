/** What a record must be to reach a handler. What would break without it: a payment under another tenant's name. */
import { handledEvents } from '../../registry/handlers.ts';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readRecord } from '../../messaging/read-record.ts';
import type { IncomingRecord } from '../../messaging/event-source.ts';
import { type Message, PAYMENTS_TOPIC, paymentMessage } from '../support/gateway.ts';

const ann = randomUUID();
const bob = randomUUID();
const handled = handledEvents.map((event) => ({ event }));

const OPERATIONS_TOPIC = 'test.accounting.public.operations.v1';

type Sent = Omit<Message, 'value'> & { value: string | Buffer | null };

const read = ({ key, headers, value }: Sent, topic = topicFor(headers)) => {
  const place: Pick<IncomingRecord, 'topic' | 'partition' | 'offset'> = { topic, partition: 0, offset: 0n };
  const bytes = value === null ? null : Buffer.from(value as string);
  return readRecord({ ...place, key: Buffer.from(key), value: bytes, headers }, handled, 'test');
};
/** The same event in structured mode; members that are undefined are left out. */
const structured = ({ key, headers, value }: Message, changes: object = {}, media = STRUCTURED): Message => ({
  key,
  headers: { 'content-type': media },
  value: JSON.stringify({
    specversion: '1.0',
    id: headers['ce_id'],
    source: headers['ce_source'],
    type: headers['ce_type'],
    tenantid: headers['ce_tenantid'],
    data: JSON.parse(value) as unknown,
    ...changes,
  }),
});
const STRUCTURED = 'application/cloudevents+json';
const base64 = (text: string | Buffer) => Buffer.from(text as string).toString('base64');
const withHeaders = (message: Message, changes: Record<string, string>): Message => ({
  ...message,
  headers: { ...message.headers, ...changes },
});
const without = ({ headers, ...message }: Message, name: string): Message => ({
  ...message,
  headers: Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name)),
});
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
    by: { event: { name: 'PaymentReceived' } },
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

it('PAY-05: what is no event, or has a type that nobody handles, is told apart', () => {
  const good = paymentMessage(ann, bob);
  for (const wrong of [{ ce_specversion: '7' }, { ce_type: '' }, { ce_source: '' }, { ce_source: 'a b' }])
    expect(read(withHeaders(good, wrong))).toMatchObject({ reason: 'not_a_cloud_event', tenantId: null });
  expect(read({ ...good, headers: {} })).toMatchObject({
    reason: 'not_a_cloud_event',
    detail: expect.stringContaining('neither ce_ headers nor'),
  });
  for (const value of ['[]', '7', '{', '', null, Buffer.from('{"id":"\xff"}', 'latin1')])
    expect(read({ ...structured(good), value })).toMatchObject({ reason: 'not_a_cloud_event' });
  expect(read(withHeaders(good, { ce_type: 'billing.payment.received.v9' }))).toEqual({
    kind: 'unhandled',
    type: 'billing.payment.received.v9',
  });
});

it.each(['specversion', 'id', 'source', 'type'])(
  'PAY-05: a record without ce_%s is refused, in both modes, and told what it lacks',
  (name) => {
    const good = paymentMessage(ann, bob);
    const refused = { reason: 'not_a_cloud_event', detail: `The event has no ${name}.`, identity: { eventId: null } };
    expect(read(without(good, `ce_${name}`))).toMatchObject(refused);
    expect(read(withHeaders(good, { [`ce_${name}`]: '' }))).toMatchObject(refused);
    for (const nothing of [undefined, null, ''])
      expect(read(structured(good, { [name]: nothing }))).toMatchObject(refused);
  },
);

it('PAY-05: what an attribute may not be is told by its name', () => {
  const good = paymentMessage(ann, bob);
  expect(read(withHeaders(good, { ce_source: 'a b' }))).toMatchObject({ detail: expect.stringMatching(/^source: /) });
  expect(read(withHeaders(good, { ce_time: 'noon' }))).toMatchObject({
    reason: 'not_a_cloud_event',
    detail: 'The event’s time is no instant.',
  });
  expect(read(withHeaders(good, { ce_time: '' })).kind).toBe('event');
  expect(read(without(good, 'ce_time')).kind).toBe('event');
  expect(read(structured(good, { time: null })).kind).toBe('event');
});

it('PAY-05: an attribute that is not one text of UTF-8 tells nothing apart, so the event is refused', () => {
  const good = paymentMessage(ann, bob);
  for (const name of ['id', 'source', 'type', 'tenantid'])
    for (const text of ['a\nb', 'a\uFFFDb', 'a\u0000b'])
      expect(read(withHeaders(good, { [`ce_${name}`]: text })), name).toMatchObject({
        reason: 'not_a_cloud_event',
        detail: `The event’s ${name} is not one text of UTF-8 without control characters.`,
      });
});

it.each([
  'Application/CloudEvents+JSON',
  'application/cloudevents+json; charset=utf-8',
  ' APPLICATION/CLOUDEVENTS+JSON ;charset=UTF-8',
])('PAY-05: a media type has no case: %j is structured mode', (media) => {
  const event = structured(paymentMessage(ann, bob), { datacontenttype: 'Application/JSON; charset=utf-8' }, media);
  expect(read(event)).toMatchObject({ kind: 'event', tenantId: ann, event: { data: { invoiceId: bob } } });
  expect(read({ ...event, headers: { 'Content-Type': media } })).toMatchObject({ kind: 'event', tenantId: ann });
});

it.each([
  'application/cloudevents-batch+json',
  'Application/CloudEvents-Batch+JSON; charset=utf-8',
  'application/cloudevents+xml',
  'application/cloudevents',
  'application/cloudevents+json\napplication/json',
])('PAY-05: %j cannot be read, and says so', (media) => {
  expect(read(structured(paymentMessage(ann, bob), {}, media))).toMatchObject({
    reason: 'not_a_cloud_event',
    detail: expect.stringContaining(media.toLowerCase().split(';')[0] ?? ''),
  });
});

it('in binary mode the media type of the data does not matter: it is read as JSON', () => {
  const good = paymentMessage(ann, bob);
  for (const media of ['Application/JSON', 'application/json; charset=utf-8', 'text/plain', ''])
    expect(read(withHeaders(good, { 'content-type': media })).kind, media).toBe('event');
  expect(read(without(good, 'content-type')).kind).toBe('event');
});

it('PAY-02: the data of a structured event may be data_base64: its bytes, which are JSON', () => {
  const good = paymentMessage(ann, bob);
  const encoded = structured(good, { data: undefined, data_base64: base64(good.value) });
  expect(read(encoded)).toMatchObject({ kind: 'event', tenantId: ann, event: { data: { invoiceId: bob } } });
  expect(read(structured(good, { data_base64: null })).kind).toBe('event');
});

it('PAY-05: data_base64 that cannot be read is invalid data, and the event keeps its name', () => {
  const good = paymentMessage(ann, bob);
  const broken = { ...base64Faults(good.value) };
  for (const [why, changes] of Object.entries(broken))
    expect(read(structured(good, changes)), why).toMatchObject({
      reason: 'invalid_data',
      detail: expect.stringContaining(why),
      identity: { source: '/gateway', eventId: good.headers['ce_id'] },
      tenantId: ann,
    });
});

const base64Faults = (value: string) => ({
  'has both data and data_base64': { data_base64: base64(value) },
  'is no base64': { data: undefined, data_base64: '%%%' },
  'data_base64 is empty': { data: undefined, data_base64: '' },
  'data_base64 is no JSON': { data: undefined, data_base64: base64('{') },
  'data_base64 is no UTF-8': { data: undefined, data_base64: base64(Buffer.from('{"a":"\xff"}', 'latin1')) },
  'has no data': { data: undefined },
});

it.each([
  ['is empty', ''],
  ['is empty', null],
  ['is no JSON', '{'],
  ['is no UTF-8', Buffer.from('{"paymentReference":"\xff"}', 'latin1')],
  ['expected object', '[]'],
])(
  'PAY-05: valid ce_ headers keep their names when the value %s: the tenant of header and key sees the dead letter',
  (why, value) => {
    const good = paymentMessage(ann, bob);
    const refused = {
      reason: 'invalid_data',
      detail: expect.stringContaining(why),
      identity: { source: '/gateway', eventId: good.headers['ce_id'], type: 'billing.payment.received.v1' },
    };
    expect(read({ ...good, value })).toMatchObject({ ...refused, tenantId: ann });
    expect(read({ ...withHeaders(good, { ce_tenantid: ann.toUpperCase() }), value })).toMatchObject({ tenantId: ann });
    const contradictory = [withHeaders(good, { ce_tenantid: bob }), { ...good, key: `${bob}|${bob}` }];
    const silent = [
      without(good, 'ce_tenantid'),
      { ...good, key: 'x' },
      { ...withHeaders(good, { ce_tenantid: 'x' }), key: 'x' },
    ];
    for (const message of [...contradictory, ...silent])
      expect(read({ ...message, value })).toMatchObject({ ...refused, tenantId: null });
  },
);

it('PAY-05, TEN-02: data that can be read says whose it is: without its agreement nobody sees the dead letter', () => {
  const good = paymentMessage(ann, bob, { amount: undefined });
  expect(read(good)).toMatchObject({ reason: 'invalid_data', tenantId: ann });
  const others: unknown[] = [bob, 'x', '', null, 7, undefined];
  for (const tenantId of others)
    expect(read({ ...good, value: JSON.stringify({ ...JSON.parse(good.value), tenantId }) })).toMatchObject({
      reason: 'invalid_data',
      tenantId: null,
    });
});

it('on the topic of another, and with tenants that contradict each other, it is nobody’s', () => {
  const good = paymentMessage(ann, bob);
  expect(read({ ...good, value: '{' }, OPERATIONS_TOPIC)).toMatchObject({ reason: 'wrong_topic', tenantId: null });
  expect(read(withHeaders(good, { ce_tenantid: bob }))).toMatchObject({ reason: 'tenant_mismatch', tenantId: null });
});

const BINARY = ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_tenantid', 'ce_data', 'content-type'];
const MEMBERS = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'tenantid',
  'data',
  'data_base64',
  'toString',
  'validate',
];
const anyText = fc.string({ unit: 'binary' });
/** An object in which `toString` is no function is no text either. */
const anyJson = fc.oneof(fc.jsonValue(), fc.constant({ toString: 1, valueOf: 1 }));
const anyValue = fc.oneof(
  anyJson.map((value) => JSON.stringify(value)),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.constant(null),
);
const RUNS = 5_000;

const kinds = ['event', 'unhandled', 'refused'];

/**
 * What would break without it: a record that cannot be read, thrown at the consumer, holds its partition up for ever.
 */
it('PAY-05: whatever its headers and its value are, a record in binary mode is read, and never throws', () => {
  const changes = fc.dictionary(fc.oneof(fc.constantFrom(...BINARY), anyText), anyText);
  const good = paymentMessage(ann, bob);
  fc.assert(
    fc.property(changes, fc.oneof(fc.constant(good.value), anyValue), (headers, value) => {
      expect(kinds).toContain(read({ ...withHeaders(good, headers), value }, PAYMENTS_TOPIC).kind);
    }),
    { numRuns: RUNS },
  );
});

it('PAY-05: whatever its members are, a record in structured mode is read, and never throws', () => {
  const changes = fc.dictionary(fc.oneof(fc.constantFrom(...MEMBERS), anyText), anyJson);
  const good = paymentMessage(ann, bob);
  const anyEvent = fc.oneof(
    changes.map((members) => structured(good, members)),
    anyValue.map((value) => Object.assign(structured(good), { value })),
  );
  fc.assert(
    fc.property(anyEvent, (message) => {
      expect(kinds).toContain(read(message, PAYMENTS_TOPIC).kind);
    }),
    { numRuns: RUNS },
  );
});

it('PAY-05: what a refusal quotes of a record is short, however large the record is', () => {
  const large = 'x'.repeat(100_000);
  const good = paymentMessage(ann, bob);
  const records = [
    withHeaders(good, { 'content-type': `application/cloudevents+${large}` }),
    withHeaders(good, { ce_time: large }),
    withHeaders(good, { [`ce_${large}-`]: 'x' }),
    { ...good, value: large },
  ];
  for (const record of records) {
    const reading = read(record);
    expect(reading.kind === 'refused' && reading.detail.length).toBeLessThan(300);
  }
});
