import type { EventDefinition, EventIds } from '../../messaging/event.ts';
import { eventNamed, eventNames, schemaNamed } from '../support/events.ts';
import { samples } from '../support/step-samples.ts';
import { type CloudEvent, Kafka } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../registry/catalogue.ts';
import {
  ownTopics,
  partitionKeyOf,
  schemaPath,
  streamPlace,
  toRecord,
  topicOf,
  topicsOf,
  withheldHeaders,
} from '../../messaging/cloud-event.ts';

const tenantId = '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01';
const invoiceId = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
const cashierId = '3f0a4c55-0a5e-4f0a-9b36-6a1f0a9d7c11';
const businessDate = '2030-01-31';
/** More than any event needs: each takes what is its own. */
const ids = { tenantId, invoiceId, cashierId, businessDate };
const context = {
  id: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b',
  sequence: 9_007_199_254_740_993n, // no number of JavaScript: it must travel as text
  time: '2030-01-31T12:00:00.000Z',
  factId: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6a7a',
  causationId: 'rest:5f2c',
  actor: 'Änne',
};
const settings = { environment: 'development', publicUrl: 'https://billing.example' };

const cashier = {
  id: cashierId,
  name: 'Kasse Nord',
  email: 'nord@example.com',
  version: 1,
  createdAt: '2030-01-31T12:00:00.000Z',
  updatedAt: '2030-01-31T12:00:00.000Z',
};

interface Contract {
  type: string;
  topic: string;
  key: string;
  subject: string;
  source: string;
  data: Record<string, unknown>;
}
const ofInvoice = {
  topic: 'dev.billing.public.invoices.v1',
  key: `${tenantId}|${invoiceId}`,
  subject: invoiceId,
  source: '/billing/invoices',
};
const ofCashier = {
  topic: 'dev.billing.public.cashiers.v1',
  key: `${tenantId}|${cashierId}`,
  subject: cashierId,
  source: '/billing/cashiers',
};

/** The events of the steps, each with what a sample of it carries. */
const ofSteps: Record<string, Contract> = Object.fromEntries(
  Object.values(samples).flatMap(({ types, recorded }) =>
    (recorded[0]?.told ?? []).map(([name, data]) => [
      name,
      {
        ...ofInvoice,
        ...(name === 'InvoiceGenerated' ? { topic: 'dev.billing.internal.invoices.v1' } : {}),
        type: (types as Record<string, string>)[name] ?? '',
        data: data as Record<string, unknown>,
      },
    ]),
  ),
);

/** The catalogue as subscribers know it; written out here, because a rename would break them. */
const contract = {
  ...ofSteps,
  PaymentReceived: {
    ...ofInvoice,
    topic: 'dev.billing.public.payments.v1',
    source: '/billing/payments',
    type: 'billing.payment.received.v1',
    data: {
      tenantId,
      invoiceId,
      amount: '1200.00',
      currency: 'EUR',
      paymentMethod: 'credit card',
      paymentReference: 'GW-1',
      receivedAt: '2030-01-31T12:00:00.000Z',
    },
  },
  BusinessDayEnded: {
    topic: 'dev.accounting.public.operations.v1',
    key: `${tenantId}|2030-01-31`,
    subject: '2030-01-31',
    source: '/accounting/operations',
    type: 'accounting.business-day.ended.v1',
    data: { tenantId, businessDate, market: 'XETRA', region: 'DE' },
  },
  CashierCreated: { ...ofCashier, type: 'billing.cashier.created.v1', data: { tenantId, cashier } },
  CashierUpdated: { ...ofCashier, type: 'billing.cashier.updated.v1', data: { tenantId, cashier } },
  CashierDeleted: {
    ...ofCashier,
    type: 'billing.cashier.deleted.v1',
    data: { tenantId, cashierId, deletedAt: '2030-01-31T12:00:00.000Z' },
  },
} satisfies Record<string, Contract>;
/** What other systems send: further members are theirs, and some may be left out. */
const incoming = new Set<string>(['PaymentReceived', 'BusinessDayEnded']);
const placedEvents = eventNames.filter((name) => name !== 'EventWithheld');
const contractOf = (name: string): Contract => {
  const found = Object.entries(contract).find(([known]) => known === name);
  if (!found) throw new Error(`The contract of ${name} is not written down.`);
  return found[1];
};
const events = placedEvents.map((name) => ({ name, ...contractOf(name) }));
const record = (name: string) => toRecord(eventNamed(name), ids, contractOf(name).data, context, settings);

describe.each(events)('$name', ({ name, type, topic, key, subject, source, data }) => {
  it('MSG-02: its place: topic, partition key (tenant first), and the stream that both make', () => {
    expect(record(name)).toMatchObject({ topic, partitionKey: key, stream: `${topic}|${key}` });
    expect(streamPlace(eventNamed(name), ids, 'development')).toEqual({
      topic,
      partitionKey: key,
      stream: `${topic}|${key}`,
    });
    expect(topicOf(eventNamed(name), 'development')).toBe(topic);
  });

  it('its headers are those of CloudEvents 1.0 in binary mode, and no others', () => {
    expect(record(name).headers).toEqual({
      ce_specversion: '1.0',
      ce_id: context.id,
      ce_source: source,
      ce_type: type,
      ce_time: context.time,
      ce_subject: subject,
      ce_dataschema: `https://billing.example/schemas/${type}.json`,
      ce_sequence: '9007199254740993',
      ce_partitionkey: key,
      ce_tenantid: ids.tenantId,
      ce_causationid: context.causationId,
      ce_actor: context.actor,
      ce_factid: context.factId,
      'content-type': 'application/json',
    });
  });

  it('MSG-05: its value is JSON that the catalogue’s schema accepts', () => {
    const value: unknown = JSON.parse(record(name).value);
    expect(value).toEqual(data);
    expect(schemaNamed(name).parse(value)).toEqual(data);
  });

  it('is read by the CloudEvents SDK, as a subscriber would read it', () => {
    const { headers, partitionKey, value } = record(name);
    const message = { headers, key: partitionKey, value: Buffer.from(value), body: value };
    expect(Kafka.isEvent(message)).toBe(true);
    const event = Kafka.toEvent(message) as CloudEvent;
    expect(event).toMatchObject({
      specversion: '1.0',
      id: context.id,
      source,
      type,
      time: context.time,
      subject,
      dataschema: `${settings.publicUrl}${schemaPath(eventNamed(name))}`,
      datacontenttype: 'application/json',
      sequence: '9007199254740993',
      partitionkey: key,
      tenantid: ids.tenantId,
      causationid: context.causationId,
      actor: context.actor,
      data,
    });
    // Strict, other than when it is read: attribute names, URIs and the time are as the specification wants them.
    expect(event.validate()).toBe(true);
  });

  // It is made once and kept; but a reset workflow makes it again, and then it must be the same.
  it('MSG-03: the same fact makes the same bytes', () => {
    expect(record(name)).toEqual(record(name));
    expect(JSON.stringify(record(name).headers)).toBe(JSON.stringify(record(name).headers));
  });
});

// It has no topic, key and sequence of its own: a subscriber must find it where the other is missing.
describe('EventWithheld', () => {
  const withheld = record('InvoicePaid');
  const own = {
    id: '0197a3c4-5d6e-7f80-9a1b-000000000001',
    time: '2030-02-01T12:00:00.000Z',
    causationId: 'decision',
    actor: 'bob',
  };
  const data = { withheldId: context.id, withheldType: withheld.type, reason: 'Too large' };

  it('MSG-01: it has an id, a type and a time of its own; all else is of the event in whose place it is sent', () => {
    expect(withheldHeaders(withheld.headers, own, settings)).toEqual({
      ...withheld.headers,
      ce_id: own.id,
      ce_type: 'billing.event.withheld.v1',
      ce_time: own.time,
      ce_dataschema: 'https://billing.example/schemas/billing.event.withheld.v1.json',
      ce_causationid: 'decision',
      ce_actor: 'bob',
    });
    const body = JSON.stringify(data);
    const headers = withheldHeaders(withheld.headers, own, settings);
    const message = { headers, key: withheld.partitionKey, value: Buffer.from(body), body };
    const event = Kafka.toEvent(message) as CloudEvent;
    expect(event).toMatchObject({ id: own.id, sequence: '9007199254740993', data });
    expect(event.validate()).toBe(true);
  });

  it('MSG-05: it names the event, its type and why, and nothing more', () => {
    const schema = schemaNamed('EventWithheld');
    expect(schema.parse(data)).toEqual(data);
    for (const wrong of [{}, { ...data, tenantId }, { ...data, withheldId: 'x' }, { ...data, reason: undefined }])
      expect(schema.safeParse(wrong).success).toBe(false);
  });
});

describe('schemas', () => {
  const without = (data: object, left: string) =>
    Object.fromEntries(Object.entries(data).filter(([member]) => member !== left));

  it.each(events.filter(({ name }) => !incoming.has(name)))(
    'MSG-05: $name takes no member more and none less',
    ({ name, data }) => {
      const schema = schemaNamed(name);
      expect(schema.safeParse({ ...data, internalNote: 'x' }).success).toBe(false);
      for (const member of Object.keys(data))
        expect(schema.safeParse(without(data, member)).success, `without ${member}`).toBe(false);
    },
  );

  it('PAY-05: PaymentReceived may have members of the gateway’s own and no time, but lacks nothing else', () => {
    const schema = schemaNamed('PaymentReceived');
    const needed = without(contract.PaymentReceived.data, 'receivedAt');
    expect(schema.parse({ ...needed, gatewayFee: '0.30' })).toEqual(needed);
    for (const member of Object.keys(needed))
      expect(schema.safeParse(without(needed, member)).success, `without ${member}`).toBe(false);
  });

  it('PAY-05: BusinessDayEnded needs its date only, and may have members of accounting’s own', () => {
    const schema = schemaNamed('BusinessDayEnded');
    expect(schema.parse({ businessDate, closedBy: 'night shift' })).toEqual({ businessDate });
    const nothing = { tenantId: null, market: null, region: null };
    expect(schema.parse({ businessDate, ...nothing })).toEqual({ businessDate, ...nothing });
  });

  it.each([
    { businessDate: undefined },
    { businessDate: '2030-02-30' },
    { businessDate: '2030-01-31T00:00:00Z' },
    { tenantId: 'somebody' },
    { market: '' },
    { region: 'x'.repeat(101) },
  ])('PAY-05: BusinessDayEnded with %j is refused', (wrong) => {
    const { data } = contract.BusinessDayEnded;
    expect(schemaNamed('BusinessDayEnded').safeParse({ ...data, ...wrong }).success).toBe(false);
  });

  it.each([0, -1, 1.5, '1'])('MSG-05: %j is no number of a reminder', (number) => {
    const schema = schemaNamed('InvoicePaymentReminderDue');
    const { data } = contractOf('InvoicePaymentReminderDue');
    expect(schema.safeParse({ ...data, reminder: number }).success).toBe(false);
    expect(schema.safeParse({ ...data, reminders: number }).success).toBe(false);
  });
});

describe('partition key', () => {
  const { key: _key, ...keyless } = eventNamed('InvoicePaid');
  const three = ['tenantId', 'cashierId', 'businessDate'] as const;
  const table: { what: string; key?: EventDefinition['key']; given: EventIds; partitionKey: string }[] = [
    { what: 'one part', key: ['tenantId'], given: ids, partitionKey: tenantId },
    { what: 'two parts', key: ['tenantId', 'invoiceId'], given: ids, partitionKey: `${tenantId}|${invoiceId}` },
    { what: 'three parts', key: three, given: ids, partitionKey: `${tenantId}|${cashierId}|2030-01-31` },
    {
      what: 'the parts in the order in which they are declared, not in that of the ids',
      key: ['tenantId', 'businessDate', 'cashierId'],
      given: { businessDate, cashierId, tenantId },
      partitionKey: `${tenantId}|2030-01-31|${cashierId}`,
    },
    {
      what: 'the first part missing',
      key: three,
      given: { cashierId, businessDate },
      partitionKey: `|${cashierId}|2030-01-31`,
    },
    {
      what: 'a part in the middle missing',
      key: three,
      given: { tenantId, businessDate },
      partitionKey: `${tenantId}||2030-01-31`,
    },
    {
      what: 'the last part missing',
      key: three,
      given: { tenantId, cashierId },
      partitionKey: `${tenantId}|${cashierId}|`,
    },
    { what: 'all parts missing', key: three, given: {}, partitionKey: '||' },
    { what: 'no key: the event’s own id', given: ids, partitionKey: context.id },
  ];

  it.each(table)('MSG-02: $what', ({ key, given, partitionKey }) => {
    expect(partitionKeyOf({ ...keyless, ...(key ? { key } : {}) }, given, context.id)).toBe(partitionKey);
  });

  it('MSG-02: a business day of all tenants', () => {
    expect(streamPlace(eventNamed('BusinessDayEnded'), { businessDate }, 'development')).toEqual({
      topic: 'dev.accounting.public.operations.v1',
      partitionKey: '|2030-01-31',
      stream: 'dev.accounting.public.operations.v1||2030-01-31',
    });
  });
});

describe('catalogue', () => {
  it.each([
    { environment: 'development', prefix: 'dev' },
    { environment: 'production', prefix: 'prod' },
    { environment: 'test', prefix: 'test' },
  ])('in $environment its topics are these, each once', ({ environment, prefix }) => {
    expect(topicsOf(catalogue, environment).toSorted()).toEqual([
      `${prefix}.accounting.public.operations.v1`,
      `${prefix}.billing.internal.invoices.v1`,
      `${prefix}.billing.public.cashiers.v1`,
      `${prefix}.billing.public.invoices.v1`,
      `${prefix}.billing.public.invoices.v2`,
      `${prefix}.billing.public.payments.v1`,
      `${prefix}.billing.public.payments.v2`,
    ]);
  });

  it('what is sent goes to topics of our own domain only', () => {
    expect(ownTopics(catalogue, 'test')).toEqual(
      topicsOf(catalogue, 'test').filter((topic) => topic.startsWith('test.billing.')),
    );
  });

  // Sequences are taken before an event has an id: one without a key would have no stream.
  it('MSG-02: every event has a key, its tenant first', () => {
    expect(placedEvents.filter((name) => eventNamed(name).key?.[0] !== 'tenantId')).toEqual([]);
  });

  it('CSH-06: all events of a cashier, and all public ones of an invoice, share a stream', () => {
    const streamsOfEntity = (entity: string) => {
      const names = placedEvents.filter(
        (name) => eventNamed(name).entity === entity && eventNamed(name).scope === 'public',
      );
      expect(names.length).toBeGreaterThan(1);
      return new Set(names.map((name) => streamPlace(eventNamed(name), ids, 'test').stream));
    };
    expect(streamsOfEntity('Cashier')).toEqual(new Set([`test.billing.public.cashiers.v1|${tenantId}|${cashierId}`]));
    expect(streamsOfEntity('Invoice')).toEqual(new Set([`test.billing.public.invoices.v1|${tenantId}|${invoiceId}`]));
  });

  // Within one tenant, ids are unique; across tenants, only the key tells them apart.
  it('TEN-01: two tenants never share a stream', () => {
    const other = { ...ids, tenantId: '11111111-1111-4111-8111-111111111111' };
    for (const name of placedEvents)
      expect(streamPlace(eventNamed(name), other, 'test').stream).not.toBe(
        streamPlace(eventNamed(name), ids, 'test').stream,
      );
  });
});
