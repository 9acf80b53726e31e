/** What a person may put in the place of a payload: of a message what can be handled, of an event its texts. */
import { EVENT_BYTES_MAX } from '../../messaging/event-sink.ts';
import { describe, expect, it } from 'vitest';
import { DecisionRefused, editedPayload, tooLarge } from '../../dead-letters/blocked-event.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { inspectRecords } from '../../registry/handlers.ts';
import type { DeadLetterRow } from '../../dead-letters/rows.ts';
import { invoiceIdIn } from '../../dead-letters/named-invoice.ts';

const judges = { inspect: inspectRecords('test'), catalogue };
const tenantId = '11111111-1111-4111-8111-111111111111';
const invoiceId = '22222222-2222-4222-8222-222222222222';

const row = (changes: object) => ({ editedValue: null, headers: '{}', key: null, ...changes }) as DeadLetterRow;

function refusalOf(deadLetter: DeadLetterRow, payload: unknown): string {
  try {
    editedPayload(deadLetter, typeof payload === 'string' ? payload : JSON.stringify(payload), judges);
  } catch (error) {
    if (error instanceof DecisionRefused && error.type === 'payload_refused') return error.message;
    throw error;
  }
  return 'taken';
}

describe('an event', () => {
  const invoice = {
    id: invoiceId,
    name: 'Hosting',
    customerReference: 'C-1',
    status: 'finalized',
    overdue: false,
    amount: '1200.00',
    currency: 'EUR',
    dueDate: '2026-12-01',
    cashierId: null,
    number: 'INV-2026-000001',
    amountPaid: '0.00',
    paidAt: null,
    finalizedAt: '2026-11-01T10:00:00.000Z',
    cancelledAt: null,
    cancelReason: null,
    version: 2,
    createdAt: '2026-11-01T09:00:00.000Z',
    updatedAt: '2026-11-01T10:00:00.000Z',
  };
  const data = { tenantId, invoice, number: invoice.number, finalTotalAmount: '1200.00' };
  const deadLetter = row({
    direction: 'outbound',
    type: 'billing.invoice.finalized.v1',
    value: Buffer.from(JSON.stringify(data)),
  });
  const withInvoice = (changes: object) => ({ ...data, invoice: { ...invoice, ...changes } });

  it('MSG-05: its texts may be edited', () => {
    const texts = { name: 'Hosting, short', customerReference: null, cancelReason: 'x' };
    expect(refusalOf(deadLetter, withInvoice(texts))).toBe('taken');
    expect(refusalOf(deadLetter, data)).toBe('taken');
  });

  it.each([
    ['invoice.amount', withInvoice({ amount: '1.00' })],
    ['invoice.amountPaid', withInvoice({ amountPaid: '1200.00' })],
    ['invoice.currency', withInvoice({ currency: 'USD' })],
    ['invoice.number', withInvoice({ number: 'INV-2026-000002' })],
    ['invoice.status', withInvoice({ status: 'paid' })],
    ['invoice.version', withInvoice({ version: 3 })],
    ['invoice.dueDate', withInvoice({ dueDate: '2027-12-01' })],
    ['invoice.paidAt', withInvoice({ paidAt: '2026-11-01T10:00:00.000Z' })],
    ['invoice.id', withInvoice({ id: tenantId })],
    ['finalTotalAmount', { ...data, finalTotalAmount: '1.00' }],
    ['tenantId', { ...data, tenantId: invoiceId }],
    ['number, finalTotalAmount', { ...data, number: 'INV-1', finalTotalAmount: '1.00' }],
  ])('MSG-05: what was recorded cannot be edited: %s', (path, payload) => {
    const said = refusalOf(deadLetter, payload);
    expect(said).toMatch(/^What was recorded cannot be edited, only withheld: /);
    expect(said).toContain(`: ${path}.`);
  });

  it('MSG-05: what is no such event is refused, with the member that is wrong', () => {
    expect(refusalOf(deadLetter, { ...data, note: 'x' })).toMatch(/^The payload is no InvoiceFinalized: [^:]/);
    expect(refusalOf(deadLetter, withInvoice({ status: 'gone' }))).toContain('invoice.status');
    expect(refusalOf(deadLetter, '{')).toContain('no JSON');
  });
});

describe('a message', () => {
  const payment = {
    tenantId,
    invoiceId,
    amount: '12.00',
    currency: 'EUR',
    paymentMethod: 'card',
    paymentReference: 'R-1',
    gatewayFee: '0.30',
  };
  const headers = {
    ce_specversion: '1.0',
    ce_id: 'e-1',
    ce_source: '/gateway',
    ce_type: 'billing.payment.received.v1',
    ce_tenantid: tenantId,
    'content-type': 'application/json',
  };
  const place = { topic: 'test.billing.public.payments.v1', partition: 0, offset: 0n };
  const deadLetter = row({
    direction: 'inbound',
    ...place,
    key: Buffer.from(`${tenantId}|${invoiceId}`),
    headers: JSON.stringify(headers),
    value: Buffer.from('{'),
  });

  it('PAY-04: one that can be handled is taken as it was given, another invoice’s too', () => {
    const text = JSON.stringify({ ...payment, invoiceId: tenantId }, null, 2);
    expect(editedPayload(deadLetter, text, judges)).toBe(text);
  });

  it.each([
    ['nothing', {}, 'invalid_data'],
    ['an amount that is none', { ...payment, amount: 'much' }, 'invalid_data'],
    ['a currency that is none', { ...payment, currency: 'EURO' }, 'invalid_data'],
    ['no reference', { ...payment, paymentReference: '' }, 'invalid_data'],
    ['another tenant', { ...payment, tenantId: invoiceId }, 'tenant_mismatch'],
    ['a text', '"x"', 'invalid_data'],
  ])('PAY-04: %s is refused at once', (_what, payload, reason) => {
    expect(refusalOf(deadLetter, payload)).toMatch(new RegExp(`^It would be refused again, with ${reason}: `));
  });

  it('PAY-04: what is wrong is named as the message calls it', () => {
    expect(refusalOf(deadLetter, { ...payment, paymentMethod: '', paymentReference: '' })).toMatch(
      /invalid_data: paymentMethod: .*paymentReference: /,
    );
  });

  it('PAY-04: a whole event is edited as one: its data is judged', () => {
    const structured = row({
      ...deadLetter,
      headers: JSON.stringify({ 'content-type': 'application/cloudevents+json' }),
    });
    const envelope = {
      specversion: '1.0',
      id: 'e-1',
      source: '/gateway',
      type: 'billing.payment.received.v1',
      time: '2026-11-01T10:00:00.000Z',
      tenantid: tenantId,
      datacontenttype: 'application/json',
      data: payment,
    };
    expect(refusalOf(structured, envelope)).toBe('taken');
    expect(refusalOf(structured, { ...envelope, data: {} })).toContain('invalid_data');
    expect(refusalOf(structured, payment)).toContain('not_a_cloud_event');
    expect(invoiceIdIn(row({ ...structured, value: Buffer.from(JSON.stringify(envelope)) }))).toBe(invoiceId);
  });

  it('the invoice is the one that the payload names, and of one that cannot be read the key’s', () => {
    expect(invoiceIdIn(deadLetter)).toBe(invoiceId);
    expect(invoiceIdIn(row({ ...deadLetter, editedValue: Buffer.from(JSON.stringify({ invoiceId: tenantId })) }))).toBe(
      tenantId,
    );
    expect(invoiceIdIn(row({ ...deadLetter, key: Buffer.from('x|y') }))).toBeNull();
    expect(invoiceIdIn(row({ ...deadLetter, value: Buffer.from('{"businessDate": "2026-11-01"}') }))).toBeNull();
  });
});

it('a payload is measured in bytes', () => {
  expect(tooLarge('x'.repeat(EVENT_BYTES_MAX))).toBeUndefined();
  expect(tooLarge('\u{1F44D}'.repeat(EVENT_BYTES_MAX / 4))).toBeUndefined();
  expect(tooLarge(`${'\u{1F44D}'.repeat(EVENT_BYTES_MAX / 4)}x`)).toContain('900001 bytes');
});
