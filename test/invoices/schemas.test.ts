import { invoiceSchema } from '../../invoices/wire.ts';
import { LosslessNumber } from 'lossless-json';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { cashierPageSchema } from '../../cashiers/schemas.ts';
import { listDeadLettersSchema } from '../../dead-letters/schemas.ts';
import { listInvoicesSchema } from '../../invoices/schemas.ts';
import {
  cancelInvoiceSchema,
  createInvoiceSchema,
  finalizeInvoiceSchema,
  payInvoiceSchema,
  updateInvoiceSchema,
} from '../support/bodies.ts';

const CASHIER = '3f0a4c55-0a5e-4f0a-9b36-6a1f0a9d7c11';
const create = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
const pay = { amount: '1200.00', currency: 'EUR', method: 'bank transfer', reference: 'PAY-1' };

/** The fields that a schema complains about, each as often as it does. */
function faultyFields(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  if (!error) throw new Error(`Expected faults in ${JSON.stringify(value)}`);
  return error.issues
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => [...issue.path, key].join('.'))
        : issue.path.join('.'),
    )
    .toSorted();
}

/** What must not get as far as Postgres or Kafka: NUL is refused there, half a surrogate pair is no UTF-8. */
const unstorable = [
  { what: 'NUL', text: 'a\u0000b' },
  { what: 'a control character', text: 'a\u0007b' },
  { what: 'DEL', text: 'a\u007Fb' },
  { what: 'a C1 control character', text: 'a\u0085b' },
  { what: 'a lone high surrogate', text: 'a\uD83Db' },
  { what: 'a lone low surrogate', text: 'a\uDE00b' },
];
const lineBreaks = [
  { what: 'a line break', text: 'a\nb' },
  { what: 'a tab', text: 'a\tb' },
];
const notDates = [
  '2026-02-30',
  '2026-02-29',
  '2026-13-01',
  '2026-00-10',
  '2026-1-1',
  '01.02.2026',
  '2026-02-01T00:00:00Z',
  '0000-01-01',
  '',
  20_260_201,
];

describe('create', () => {
  it('INV-01: name, amount and currency are enough; the rest is null', () => {
    expect(createInvoiceSchema.parse(create)).toEqual({
      name: 'Hosting, November',
      amountMinor: 120_000,
      currency: 'EUR',
      customerReference: null,
      dueDate: null,
      cashierId: null,
    });
  });

  it('INV-04: text is trimmed, the currency upper-cased, the cashier’s id lower-cased', () => {
    const body = {
      name: '  Hosting ',
      amount: ' 12.5 ',
      currency: ' kwd ',
      customerReference: ' C-7731\n',
      dueDate: '2028-02-29',
      cashierId: CASHIER.toUpperCase(),
    };
    expect(createInvoiceSchema.parse(body)).toEqual({
      name: 'Hosting',
      amountMinor: 12_500,
      currency: 'KWD',
      customerReference: 'C-7731',
      dueDate: '2028-02-29',
      cashierId: CASHIER,
    });
  });

  it('INV-04: null means absent for what is optional', () => {
    const nothing = { customerReference: null, dueDate: null, cashierId: null };
    expect(createInvoiceSchema.parse({ ...create, ...nothing })).toEqual(createInvoiceSchema.parse(create));
  });

  it.each([
    { field: 'name', value: 'ab' },
    { field: 'name', value: 'x'.repeat(100) },
    { field: 'name', value: `  ${'x'.repeat(100)}  ` },
    { field: 'name', value: '😀'.repeat(100) }, // a character, not a UTF-16 unit, is counted
    { field: 'customerReference', value: 'C' },
    { field: 'customerReference', value: 'x'.repeat(64) },
    { field: 'amount', value: 1200 },
    { field: 'amount', value: '0.01' },
    { field: 'amount', value: '999999999999.99' },
    { field: 'amount', value: new LosslessNumber('1200.00') },
    { field: 'amount', value: new LosslessNumber('999999999999.90') },
  ])('INV-04: $field may be $value', ({ field, value }) => {
    expect(createInvoiceSchema.safeParse({ ...create, [field]: value }).error).toBeUndefined();
  });

  it.each([
    { field: 'name', value: 'a' },
    { field: 'name', value: ' a ' },
    { field: 'name', value: '😀' },
    { field: 'name', value: 'x'.repeat(101) },
    { field: 'name', value: null },
    { field: 'name', value: 7 },
    { field: 'customerReference', value: '' },
    { field: 'customerReference', value: '   ' },
    { field: 'customerReference', value: 'x'.repeat(65) },
    { field: 'currency', value: 'EU' },
    { field: 'currency', value: 'ZZZ' },
    { field: 'currency', value: 'XXX' },
    { field: 'currency', value: 'xau' },
    // In capitals these are ISK, SEK and FJD: the letters before are none of theirs.
    { field: 'currency', value: 'ıSK' },
    { field: 'currency', value: 'ſEK' },
    { field: 'currency', value: 'ﬁJD' },
    { field: 'currency', value: null },
    { field: 'amount', value: '0' },
    { field: 'amount', value: '-1' },
    { field: 'amount', value: '1e3' },
    { field: 'amount', value: '1.234' },
    { field: 'amount', value: '1000000000000.00' },
    { field: 'amount', value: '' },
    { field: 'amount', value: null },
    { field: 'amount', value: true },
    { field: 'amount', value: new LosslessNumber('19.999999999999999') },
    { field: 'amount', value: new LosslessNumber('1e2') },
    { field: 'amount', value: new LosslessNumber('1200.000') },
    { field: 'amount', value: new LosslessNumber('-0') },
    { field: 'name', value: '\u200B\u200B\u200B' },
    { field: 'name', value: 'a\u200B' },
    { field: 'customerReference', value: '\u2800\u3164' },
    { field: 'cashierId', value: 'somebody' },
    { field: 'cashierId', value: '' },
  ])('INV-04: $field must not be $value', ({ field, value }) => {
    expect(faultyFields(createInvoiceSchema, { ...create, [field]: value })).toEqual([field]);
  });

  it.each(notDates)('INV-04: %j is no due date', (dueDate) => {
    expect(faultyFields(createInvoiceSchema, { ...create, dueDate })).toContain('dueDate');
  });

  it.each([...unstorable, ...lineBreaks])('INV-04: $what is refused in name and customerReference', ({ text }) => {
    expect(faultyFields(createInvoiceSchema, { ...create, name: text, customerReference: text })).toEqual([
      'customerReference',
      'name',
    ]);
  });

  it('INV-05: every fault at once, unknown members among them', () => {
    const body = {
      name: 'a',
      amount: '1,50',
      currency: 'ZZZ',
      customerReference: '',
      dueDate: '2026-02-30',
      cashierId: 'x',
      status: 'paid',
      amountMinor: 1,
    };
    expect(faultyFields(createInvoiceSchema, body)).toEqual(Object.keys(body).toSorted());
    expect(faultyFields(createInvoiceSchema, {})).toEqual(['amount', 'currency', 'name']);
  });

  // Whether 1.5 has too many decimals depends on a currency that nobody knows here: one fault is told, not two.
  it('INV-05: an unknown currency does not make the amount wrong', () => {
    expect(faultyFields(createInvoiceSchema, { ...create, amount: '1.5', currency: 'ZZZ' })).toEqual(['currency']);
  });

  it('INV-05: the amount is checked although another member is wrong', () => {
    expect(faultyFields(createInvoiceSchema, { ...create, name: '', amount: '1.234' })).toContain('amount');
    expect(faultyFields(createInvoiceSchema, { amount: '0', currency: ' jpy ' })).toEqual(['amount', 'name']);
  });

  it.each([[null], [undefined], [[]], ['text'], [7]])('INV-05: %j is no invoice', (body) => {
    expect(faultyFields(createInvoiceSchema, body)).toEqual(['']);
  });

  // JSON.parse makes an own member of that name; it must be refused, not change what the others inherit.
  it('INV-05: __proto__ is an unknown member', () => {
    const body: unknown = JSON.parse('{"name":"Hosting","amount":"1.00","currency":"EUR","__proto__":{"dueDate":"x"}}');
    expect(faultyFields(createInvoiceSchema, body)).toEqual(['__proto__']);
  });
});

describe('update', () => {
  it.each([
    { body: {}, parsed: {} },
    { body: { name: undefined, dueDate: undefined }, parsed: {} },
    { body: { name: ' Backup ' }, parsed: { name: 'Backup' } },
    { body: { amount: 5, currency: 'jpy' }, parsed: { amountMinor: 5, currency: 'JPY' } },
    { body: { cashierId: CASHIER }, parsed: { cashierId: CASHIER } },
  ])('INV-20: what is absent stays absent: $body', ({ body, parsed }) => {
    // Strict: a member that is there with the value undefined would overwrite the invoice's own.
    expect(updateInvoiceSchema.parse(body)).toStrictEqual(parsed);
  });

  it('INV-20: null clears customer reference, due date and cashier', () => {
    const cleared = { customerReference: null, dueDate: null, cashierId: null };
    expect(updateInvoiceSchema.parse(cleared)).toStrictEqual(cleared);
  });

  it.each(['name', 'amount', 'currency'])('INV-20: %s cannot be cleared', (field) => {
    expect(faultyFields(updateInvoiceSchema, { amount: '1', currency: 'EUR', [field]: null })).toEqual([field]);
  });

  // In which decimals it is judged is the invoice's to say: what was sent is kept until then.
  it.each([
    { body: { amount: ' 1300.00 ' }, parsed: { amount: '1300.00' } },
    { body: { amount: 1300 }, parsed: { amount: '1300' } },
    { body: { amount: new LosslessNumber('1300.0') }, parsed: { amount: '1300.0' } },
    { body: { currency: 'jpy' }, parsed: { currency: 'JPY' } },
  ])('INV-20: an amount alone, and a currency alone: $body', ({ body, parsed }) => {
    expect(updateInvoiceSchema.parse(body)).toStrictEqual(parsed);
  });

  it.each(['0', '0.00', '-1', '1e3', '1.23456', '99999999999999.9', '100000000000000', ''])(
    'INV-20: an amount alone of %j fits no currency',
    (amount) => {
      expect(faultyFields(updateInvoiceSchema, { name: 'a', amount })).toEqual(['amount', 'name']);
    },
  );

  it('INV-20: the same checks as create, all at once', () => {
    const body = {
      name: 'a',
      amount: '1.5',
      currency: 'JPY',
      customerReference: '',
      dueDate: '2026-02-30',
      cashierId: 'x',
      version: 3,
    };
    const faulty = faultyFields(updateInvoiceSchema, body);
    expect(faulty).toEqual(['amount', 'cashierId', 'customerReference', 'dueDate', 'name', 'version']);
  });

  it.each([[null], [undefined], [[]]])('INV-05: %j is no update', (body) => {
    expect(faultyFields(updateInvoiceSchema, body)).toEqual(['']);
  });
});

describe('finalize', () => {
  it.each([[undefined], [{}]])('takes nothing: %j', (body) => {
    expect(finalizeInvoiceSchema.parse(body)).toEqual({});
  });

  it('INV-05: an unknown member is refused', () => {
    expect(faultyFields(finalizeInvoiceSchema, { number: 'INV-2030-000007' })).toEqual(['number']);
  });
});

describe('pay', () => {
  it('INV-40: receivedAt is optional, the amount is in minor units', () => {
    const parsed = {
      amountMinor: 120_000,
      currency: 'EUR',
      method: 'bank transfer',
      reference: 'PAY-1',
      receivedAt: null,
    };
    expect(payInvoiceSchema.parse(pay)).toEqual(parsed);
    expect(payInvoiceSchema.parse({ ...pay, receivedAt: null })).toEqual(parsed);
    expect(
      payInvoiceSchema.parse({ ...pay, currency: ' eur', method: ' bank transfer ', reference: 'PAY-1 ' }),
    ).toEqual(parsed);
  });

  // Instants are compared as text further on: they must all have one form.
  it.each([
    { receivedAt: '2030-01-31T12:00:00Z', utc: '2030-01-31T12:00:00.000Z' },
    { receivedAt: '2030-01-31T12:00:00+05:30', utc: '2030-01-31T06:30:00.000Z' },
    { receivedAt: '2030-01-31T23:30:00.5-01:00', utc: '2030-02-01T00:30:00.500Z' },
  ])('INV-40: received at $receivedAt is $utc', ({ receivedAt, utc }) => {
    expect(payInvoiceSchema.parse({ ...pay, receivedAt }).receivedAt).toBe(utc);
  });

  it.each([
    '2030-01-31',
    '2030-01-31T12:00:00', // without offset it could be any instant of a day
    '2030-02-30T12:00:00Z',
    '2030-01-31T25:00:00Z',
    '2026-02-31T00:00:00Z',
    '0000-01-01T00:00:00Z',
    'yesterday',
    '',
    1_900_000_000_000,
  ])('INV-40: %j is no instant', (receivedAt) => {
    expect(faultyFields(payInvoiceSchema, { ...pay, receivedAt })).toContain('receivedAt');
  });

  it.each([
    { field: 'method', longest: 50 },
    { field: 'reference', longest: 100 },
  ])('INV-40: $field has 1 to $longest characters', ({ field, longest }) => {
    expect(payInvoiceSchema.safeParse({ ...pay, [field]: 'x'.repeat(longest) }).success).toBe(true);
    for (const value of ['', '  ', 'x'.repeat(longest + 1), null])
      expect(faultyFields(payInvoiceSchema, { ...pay, [field]: value })).toEqual([field]);
  });

  it.each([...unstorable, ...lineBreaks])('INV-40: $what is refused in method and reference', ({ text }) => {
    expect(faultyFields(payInvoiceSchema, { ...pay, method: text, reference: text })).toEqual(['method', 'reference']);
  });

  it('INV-05: every fault at once', () => {
    const body = { amount: '0', currency: 'XXX', method: '', reference: '', receivedAt: 'x', tenantId: 'x' };
    expect(faultyFields(payInvoiceSchema, body)).toEqual(expect.arrayContaining(Object.keys(body)));
    expect(faultyFields(payInvoiceSchema, {})).toEqual(['amount', 'currency', 'method', 'reference']);
  });
});

describe('cancel', () => {
  it.each([[undefined], [{}], [{ reason: null }]])('INV-30: the reason is optional: %j', (body) => {
    expect(cancelInvoiceSchema.parse(body)).toEqual({ reason: null });
  });

  it('INV-30: a reason is trimmed, may have lines, and has at most 500 characters', () => {
    expect(cancelInvoiceSchema.parse({ reason: ' Ordered twice,\n\tsee C-7731 ' })).toEqual({
      reason: 'Ordered twice,\n\tsee C-7731',
    });
    expect(cancelInvoiceSchema.parse({ reason: 'x'.repeat(500) }).reason).toHaveLength(500);
    for (const reason of ['x'.repeat(501), '', '  ', 7])
      expect(faultyFields(cancelInvoiceSchema, { reason })).toEqual(['reason']);
  });

  it.each(unstorable)('INV-30: $what is refused in a reason', ({ text }) => {
    expect(faultyFields(cancelInvoiceSchema, { reason: text })).toEqual(['reason']);
  });

  it('INV-05: an unknown member is refused', () => {
    expect(faultyFields(cancelInvoiceSchema, { why: 'Ordered twice' })).toEqual(['why']);
  });
});

describe('list', () => {
  it('INV-11: 50 at a time, without filters', () => {
    expect(listInvoicesSchema.parse({})).toEqual({ limit: 50 });
  });

  it('INV-11: every filter', () => {
    const filters = {
      cursor: 'abc',
      status: 'finalized',
      cashierId: CASHIER,
      customerReference: 'C-7731',
      number: 'INV-2030-000001',
      dueBefore: '2030-02-01',
      dueAfter: '2029-12-31',
    };
    expect(listInvoicesSchema.parse({ ...filters, limit: '10', currency: 'eur' })).toEqual({
      ...filters,
      limit: 10,
      currency: 'EUR',
    });
  });

  it.each(['1', '200'])('INV-11: a limit of %s is allowed', (limit) => {
    expect(listInvoicesSchema.parse({ limit }).limit).toBe(Number(limit));
  });

  it.each([
    { field: 'limit', value: '0' },
    { field: 'limit', value: '201' },
    { field: 'limit', value: '-1' },
    { field: 'limit', value: '1.5' },
    { field: 'limit', value: 'all' },
    { field: 'limit', value: '' },
    { field: 'cursor', value: 'x'.repeat(401) },
    { field: 'status', value: 'overdue' },
    { field: 'status', value: ['draft', 'paid'] }, // ?status=draft&status=paid
    { field: 'currency', value: 'ZZZ' },
    { field: 'cashierId', value: 'me' },
    { field: 'customerReference', value: 'a\u0000' },
    { field: 'number', value: 'a\u0000' },
    { field: 'dueBefore', value: '2026-02-30' },
    { field: 'dueAfter', value: 'today' },
    { field: 'sort', value: 'amount' },
    { field: 'Status', value: 'draft' },
  ])('INV-11: $field=$value is refused', ({ field, value }) => {
    expect(new Set(faultyFields(listInvoicesSchema, { [field]: value }))).toEqual(new Set([field]));
  });

  it.each(['0x10', '1e1', '+5', '5.0', ' 5', '５', '', ['5', '6']])('INV-11: no list takes a limit of %j', (limit) => {
    for (const schema of [listInvoicesSchema, cashierPageSchema, listDeadLettersSchema])
      expect(faultyFields(schema, { limit })).toEqual(['limit']);
  });

  it('INV-11: the limits of a page are published', () => {
    for (const schema of [listInvoicesSchema, cashierPageSchema, listDeadLettersSchema])
      expect(schema.toJSONSchema({ io: 'input' }).properties?.['limit']).toMatchObject({
        type: 'integer',
        minimum: 1,
        maximum: 200,
        default: 50,
      });
  });

  it('INV-05: every fault at once', () => {
    expect(faultyFields(listInvoicesSchema, { limit: '0', status: 'x', colour: 'red' })).toEqual([
      'colour',
      'limit',
      'status',
    ]);
  });
});

describe('the invoice that goes out', () => {
  const example = invoiceSchema.meta()?.['example'] as Record<string, unknown>;

  it('the documented example is one', () => {
    expect(invoiceSchema.parse(example)).toEqual(example);
  });

  // A member of the database that slips into an answer or an event would be a promise to every subscriber.
  it('MSG-05: a member that is not in the contract, or is missing, is refused', () => {
    expect(faultyFields(invoiceSchema, { ...example, tenantId: CASHIER })).toEqual(['tenantId']);
    const { number: _number, ...incomplete } = example;
    expect(faultyFields(invoiceSchema, incomplete)).toEqual(['number']);
  });
});
