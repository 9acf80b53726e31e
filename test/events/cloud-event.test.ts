import { type CloudEvent, Kafka } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { invoiceSchema } from '../../domain/invoice-schema.ts';
import { type EventName, catalog, eventNames } from '../../events/catalog.ts';
import { eventTopics, eventType, schemaUrl, streamPlace, toRecord } from '../../events/cloud-event.ts';

const ids = { tenantId: '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01', invoiceId: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d' };
const key = `${ids.tenantId}|${ids.invoiceId}`;
const context = {
  id: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b',
  sequence: 9_007_199_254_740_993n, // no number of JavaScript: it must travel as text
  time: '2030-01-31T12:00:00.000Z',
  causationId: 'rest:5f2c',
};
const settings = { environment: 'development', publicUrl: 'https://billing.example' };

const invoice = invoiceSchema.parse(invoiceSchema.meta()?.['example']);
const payment = {
  amount: '1200.00',
  currency: 'EUR',
  method: 'Überweisung',
  reference: 'PAY-1',
  receivedAt: '2030-01-31T12:00:00.000Z',
};
const { tenantId, invoiceId } = ids;
const publicTopic = 'dev.billing.public.invoices.v1';
const internalTopic = 'dev.billing.internal.invoices.v1';

/** The catalogue as subscribers know it; written out here, because a rename would break them. */
const contract: Record<EventName, { type: string; topic: string; data: unknown }> = {
  InvoiceCreated: { type: 'billing.invoice.created.v1', topic: publicTopic, data: { tenantId, invoice } },
  InvoiceUpdated: { type: 'billing.invoice.updated.v1', topic: publicTopic, data: { tenantId, invoice } },
  InvoiceFinalized: {
    type: 'billing.invoice.finalized.v1',
    topic: publicTopic,
    data: { tenantId, invoice, number: 'INV-2029-000042', finalTotalAmount: '1200.00' },
  },
  InvoicePaid: { type: 'billing.invoice.paid.v1', topic: publicTopic, data: { tenantId, invoice, payment } },
  InvoiceCancelled: {
    type: 'billing.invoice.cancelled.v1',
    topic: publicTopic,
    data: { tenantId, invoice, reason: 'Ordered twice' },
  },
  InvoiceGenerated: {
    type: 'billing.invoice.generated.v1',
    topic: internalTopic,
    data: { tenantId, invoiceId, invoiceAmount: '1200.00' },
  },
  PaymentReceived: {
    type: 'billing.payment.received.v1',
    topic: 'dev.billing.public.payments.v1',
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
};
/** What gateways send: further members are theirs, and the time may be left out. */
const incoming = new Set<EventName>(['PaymentReceived']);
const events = eventNames.map((name) => ({ name, ...contract[name] }));
const record = (name: EventName) => toRecord(name, ids, contract[name].data, context, settings);

describe.each(events)('$name', ({ name, type, topic, data }) => {
  it('MSG-02: its place: topic, partition key (tenant first), and the stream that both make', () => {
    expect(record(name)).toMatchObject({ topic, partitionKey: key, stream: `${topic}|${key}` });
    expect(streamPlace(name, ids, 'development')).toEqual({ topic, partitionKey: key, stream: `${topic}|${key}` });
  });

  it('its headers are those of CloudEvents 1.0 in binary mode, and no others', () => {
    expect(record(name).headers).toEqual({
      ce_specversion: '1.0',
      ce_id: context.id,
      ce_source: `/billing/${topic.split('.')[3]}`,
      ce_type: type,
      ce_time: context.time,
      ce_subject: ids.invoiceId,
      ce_dataschema: `https://billing.example/schemas/${type}.json`,
      ce_sequence: '9007199254740993',
      ce_partitionkey: key,
      ce_tenantid: ids.tenantId,
      ce_causationid: context.causationId,
      'content-type': 'application/json',
    });
  });

  it('MSG-05: its value is JSON that the catalogue’s schema accepts', () => {
    const value: unknown = JSON.parse(record(name).value);
    expect(value).toEqual(data);
    expect(catalog[name].schema.parse(value)).toEqual(data);
  });

  it('is read by the CloudEvents SDK, as a subscriber would read it', () => {
    const { headers, partitionKey, value } = record(name);
    const message = { headers, key: partitionKey, value: Buffer.from(value), body: value };
    expect(Kafka.isEvent(message)).toBe(true);
    const event = Kafka.toEvent(message) as CloudEvent;
    expect(event).toMatchObject({
      specversion: '1.0',
      id: context.id,
      source: `/billing/${topic.split('.')[3]}`,
      type,
      time: context.time,
      subject: ids.invoiceId,
      dataschema: schemaUrl(settings.publicUrl, name),
      datacontenttype: 'application/json',
      sequence: '9007199254740993',
      partitionkey: key,
      tenantid: ids.tenantId,
      causationid: context.causationId,
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

describe('schemas', () => {
  const without = (data: unknown, left: string) =>
    Object.fromEntries(Object.entries(data as object).filter(([member]) => member !== left));

  it.each(events.filter(({ name }) => !incoming.has(name)))(
    'MSG-05: $name takes no member more and none less',
    ({ name, data }) => {
      const { schema } = catalog[name];
      expect(schema.safeParse({ ...(data as object), internalNote: 'x' }).success).toBe(false);
      for (const member of Object.keys(data as object))
        expect(schema.safeParse(without(data, member)).success, `without ${member}`).toBe(false);
    },
  );

  it('PAY-05: PaymentReceived may have members of the gateway’s own and no time, but lacks nothing else', () => {
    const { schema } = catalog.PaymentReceived;
    const needed = without(contract.PaymentReceived.data, 'receivedAt');
    expect(schema.parse({ ...needed, gatewayFee: '0.30' })).toEqual(needed);
    for (const member of Object.keys(needed))
      expect(schema.safeParse(without(needed, member)).success, `without ${member}`).toBe(false);
  });
});

describe('catalogue', () => {
  it('no two events have one type', () => {
    expect(new Set(eventNames.map(eventType)).size).toBe(eventNames.length);
  });

  it.each([
    { environment: 'development', prefix: 'dev' },
    { environment: 'production', prefix: 'prod' },
    { environment: 'test', prefix: 'test' },
  ])('in $environment its topics are these, each once', ({ environment, prefix }) => {
    expect(eventTopics(environment).toSorted()).toEqual([
      `${prefix}.billing.internal.invoices.v1`,
      `${prefix}.billing.public.invoices.v1`,
      `${prefix}.billing.public.payments.v1`,
    ]);
  });

  // Within one tenant, ids are unique; across tenants, only the key tells them apart.
  it('TEN-01: two tenants never share a stream', () => {
    const other = { ...ids, tenantId: '11111111-1111-4111-8111-111111111111' };
    for (const name of eventNames)
      expect(streamPlace(name, other, 'test').stream).not.toBe(streamPlace(name, ids, 'test').stream);
  });
});
