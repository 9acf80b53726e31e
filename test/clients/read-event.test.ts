/** Records that other senders and other Kafka clients make of the same events. */
import { expect, it } from 'vitest';
import { kit } from './kit.ts';
import { paidData, recordOf } from './records.ts';

const topic = 'prod.billing.public.invoices.v2';
const sent = { topic, key: 'a|b', sequence: 7 };
const binary = { topic, ...recordOf(sent) };
const attributes = JSON.parse(recordOf({ ...sent, structured: true }).value) as Record<string, unknown>;
const structured = (changes: Record<string, unknown>, contentType = 'application/cloudevents+json') => ({
  topic,
  key: 'a|b',
  value: JSON.stringify({ ...attributes, ...changes }),
  headers: { 'Content-Type': contentType },
});
const expected = {
  type: 'billing.invoice.paid.v1',
  data: paidData,
  topic,
  subject: 'a|b',
  partitionKey: 'a|b',
  sequence: 7,
  stream: 'prod.billing.public.invoices|a|b',
};
const bytes = (text: string) => new TextEncoder().encode(text);
const base64 = Buffer.from(JSON.stringify(paidData)).toString('base64');

it.each([
  ['binary', binary],
  [
    'binary, in bytes and lists',
    {
      topic,
      key: bytes('a|b'),
      value: bytes(binary.value),
      headers: Object.fromEntries(Object.entries(binary.headers).map(([name, value]) => [name, [bytes(value)]])),
    },
  ],
  ['structured', structured({})],
  ['structured, as other senders write it', structured({ sequence: 7 }, 'Application/CloudEvents+JSON; charset=utf-8')],
  ['structured, with encoded data', structured({ data: undefined, data_base64: base64 })],
  ['without the key as an attribute', structured({ partitionkey: undefined })],
])('a record is read: %s', (_, record) => {
  expect(kit.readEvent(record)).toMatchObject(expected);
});

it('what happened has one name in all versions; an old event has none but its own', () => {
  const told = { ...binary, headers: { ...binary.headers, ce_factid: 'fact' } };
  expect(kit.readEvent(told).factId).toBe('fact');
  expect(kit.readEvent(binary).factId).toBe(binary.headers['ce_id']);
});

it.each([
  ['it has neither', { ...binary, headers: {} }],
  ['it has no sequence', { ...binary, headers: { ...binary.headers, ce_sequence: '' } }],
  ['its sequence is no number', { ...binary, headers: { ...binary.headers, ce_sequence: '0' } }],
  ['its specversion is not 1.0', { ...binary, headers: { ...binary.headers, ce_specversion: '0.3' } }],
  ['it has no id', structured({ id: undefined })],
  ['it has no type', structured({ type: null })],
  ['its value is no JSON', { ...binary, value: '{' }],
  ['its value is no JSON', { ...binary, value: null }],
  ['its value is no JSON object', { ...structured({}), value: '7' }],
])('a record is no event: %s', (why, record) => {
  expect(() => kit.readEvent(record)).toThrow(expect.objectContaining({ code: 'unreadable' }) as Error);
  expect(() => kit.readEvent(record)).toThrow(why);
});

it('data passes with members and values that the schema does not name, and fails with another shape', () => {
  const invoice = paidData['invoice'] as Record<string, unknown>;
  const event = kit.readEvent(binary);
  const open = { ...event, data: { ...paidData, more: 1, invoice: { ...invoice, status: 'archived', more: 2 } } };
  expect(kit.isKnown(event)).toBe(true);
  expect(kit.validated(open)).toBe(open);
  expect(() => kit.validated({ ...event, data: { ...paidData, invoice: { ...invoice, amount: 1200 } } })).toThrow(
    'data/invoice/amount must be string',
  );
  expect(kit.isKnown({ ...event, type: 'billing.invoice.paid.v9' })).toBe(false);
});
