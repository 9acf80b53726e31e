/**
 * The hand-written checks of what is sent to workflows. What would break without them: a workflow task that fails for
 * good.
 */
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { Problem } from '../../api/problems.ts';
import { parseOrRefuse } from '../../api/validation.ts';
import type { Step } from '../../invoices/lifecycle.ts';
import { parseStaffBody } from '../../invoices/staff-body.ts';
import { type FieldError, invalidFields, refusalInWords } from '../../commands/refusal.ts';
import { payInvoiceSchema } from '../support/bodies.ts';
import { checkDecision } from '../../workflows/dead-letter-requests.ts';
import { checkAbandon, checkInput, checkStepRequest } from '../../workflows/invoice-requests.ts';

const NOW = '2026-11-26T12:00:00.000Z';
const transfer = { amount: '1200.00', currency: 'EUR', method: 'wire', reference: 'B-1' };
/** As staff wrote it until 2026-12. */
const payment = { amountMinor: 120_000, currency: 'EUR', method: 'wire', reference: 'B-1', receivedAt: null };

/** The one line of the refusal; undefined when there is none. */
function refusalOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'malformed_request' && error.nonRetryable)
      return error.message;
    throw error;
  }
}
const ofRequest = (body: unknown, more: object = {}) =>
  refusalOf(() => checkStepRequest({ actor: 'ann', body, ...more }));

/** What is wrong with a body that staff typed; undefined when nothing is. */
function faultsOf(step: Step, body: object): string | undefined {
  const parsed = parseStaffBody(step, { body, acceptedAt: NOW }, { currency: 'EUR' });
  return 'errors' in parsed ? refusalInWords(invalidFields(parsed.errors)) : undefined;
}

function errorsOfCaller(schema: z.ZodType, body: unknown): FieldError[] {
  try {
    parseOrRefuse(schema, body);
  } catch (error) {
    if (error instanceof Problem) return error.members['errors'] as FieldError[];
  }
  throw new Error('A caller is not refused.');
}

describe('a refusal', () => {
  it('names every member that is wrong, and what it must be', () => {
    const identity = { key: 1 };
    expect(ofRequest({ a: 1 }, { actor: '', expectedVersion: 0, identity, b: 2 })?.split('; ')).toEqual([
      'the request has an unknown member "b"',
      'actor must be 1 to 100 characters in one line, without blanks around them or control characters',
      'expectedVersion must be a version, 1 or more, or null',
      'identity.key must be 1 to 255 characters in one line, without blanks around them or control characters',
      'identity.fingerprint must be 1 to 255 characters in one line, without blanks around them or control characters',
      'identity.attemptId must be 1 to 255 characters in one line, without blanks around them or control characters',
      'identity.acceptedAt must be an instant that exists, such as "2030-01-31T09:30:00Z"',
    ]);
  });

  it('of a body names every field that is wrong, and why, as callers are told', () => {
    const body = {
      amount: '0',
      currency: 'eux',
      method: ' ',
      reference: 'x'.repeat(101),
      receivedAt: '2026-02-31',
      a: 1,
    };
    const words = faultsOf('pay', body) ?? '';
    expect(words).toMatch(/^The request has fields that are not valid\. /);
    for (const path of ['amount', 'currency', 'method', 'reference', 'receivedAt', 'a'])
      expect(words).toMatch(new RegExp(`[ ;]${path}: \\S`));
    expect(words).toBe(refusalInWords(invalidFields(errorsOfCaller(payInvoiceSchema, body))));
  });

  it.each([
    [undefined, 'the request must be an object'],
    [null, 'the request must be an object'],
    ['please', 'the request must be an object'],
    [[], 'the request must be an object'],
    [{ actor: 'ann' }, 'body must be an object'],
    [{ actor: 'ann', body: [] }, 'body must be an object'],
    [{ actor: 'ann', body: {}, identity: null }, 'identity must be an object'],
  ])('of %j says that %s', (request, words) => {
    expect(refusalOf(() => checkStepRequest(request))).toBe(words);
  });

  it('stays one short line, whatever members are called', () => {
    const names = Array.from({ length: 1000 }, (_, n) => [`\uD800\n${n}${'x'.repeat(1000)}`, n]);
    const refusal = ofRequest({}, Object.fromEntries(names)) ?? '';
    expect(refusal.length).toBeLessThan(1500);
    expect(refusal).not.toContain('\n');
  });

  it('is given for what the others take too', () => {
    expect(refusalOf(() => checkAbandon({ actor: '👍'.repeat(101), reason: '' }))).toMatch(
      /^actor must .*; reason must /,
    );
    expect(refusalOf(() => checkInput({ tenantId: 'x' }))).toMatch(/^tenantId must .*; invoiceId must /);
    expect(refusalOf(() => checkDecision('discard', { actor: 'ann', reason: 'x', payload: '{}' }))).toBe(
      'the request has an unknown member "payload"',
    );
    expect(refusalOf(() => checkDecision('edit', { operator: 'ann', reason: 'x', payload: '\uD800' }))).toMatch(
      /^payload must be the whole payload as JSON text/,
    );
  });
});

describe('a decision', () => {
  it.each([{ actor: 'ann' }, { operator: 'ann' }])('takes who decides as %j', (who) => {
    expect(refusalOf(() => checkDecision('replay', { ...who, reason: 'mended' }))).toBeUndefined();
  });

  it.each([
    [{}, /^actor must be/],
    [{ operator: '' }, /^actor must be/],
    [{ actor: 'ann', operator: 'eve' }, /unknown member "operator"/],
  ])('does not take %j', (who, words) => {
    expect(refusalOf(() => checkDecision('replay', { ...who, reason: 'mended' }))).toMatch(words);
  });
});

describe('bodies', () => {
  it.each([
    ['update', {}],
    ['update', { amountMinor: 130_000 }],
    ['update', { amount: '1300.00' }],
    ['update', { currency: 'JPY' }],
    ['update', { amountMinor: 130_000, currency: 'EUR' }],
    ['update', { name: `${'a'.repeat(99)}👍`, customerReference: null, dueDate: '2028-02-29', cashierId: null }],
    ['finalize', {}],
    ['pay', payment],
    ['pay', { ...payment, receivedAt: '2026-11-01T10:00:00.123456+02:00' }],
    ['cancel', { reason: 'Ordered twice,\n\tsee 👍' }],
    ['cancel', { reason: null }],
    ['cancel', {}],
    ['pay', { ...transfer, currency: 'eur' }],
    ['pay', { ...transfer, receivedAt: '2026-11-01T10:00:00Z' }],
  ] as const)('INV-04, INV-20: %s takes %j', (step, body) => {
    expect(faultsOf(step, body)).toBeUndefined();
  });

  it.each([
    ['update', { amount: '1e3' }, 'amount: '],
    ['update', { amount: 1300 }, 'amount: must be a decimal in quotes'],
    ['pay', { ...transfer, amount: 19.5 }, 'amount: must be a decimal in quotes'],
    ['finalize', { amountMinor: 100 }, 'amountMinor: '],
    ['update', { amountMinor: -5, nonsense: 1 }, 'nonsense: '],
    ['update', { amount: '1300.00', amountMinor: 130_000 }, 'amountMinor: must not be given beside amount'],
    ['update', { amountMinor: 1e14 }, 'amountMinor: '],
    ['update', { amountMinor: 1.5 }, 'amountMinor: '],
    ['update', { amountMinor: 0 }, 'amountMinor: '],
    ['update', { amountMinor: '1300' }, 'amountMinor: '],
    ['update', { currency: 'EU\0' }, 'currency: '],
    ['update', { currency: 'ısk' }, 'currency: '],
    ['update', { name: '\u200B\u200B\u200B' }, 'name: '],
    ['update', { name: 'a👍'.repeat(51) }, 'name: '],
    ['update', { dueDate: '2026-02-30' }, 'dueDate: '],
    ['update', { dueDate: '0000-01-01' }, 'dueDate: '],
    ['update', { cashierId: 'ME' }, 'cashierId: '],
    ['pay', { ...payment, amount: '1200.00' }, 'amountMinor: must not be given beside amount'],
    ['pay', { ...payment, amountMinor: undefined }, 'amount: '],
    ['pay', { ...payment, receivedAt: '2026-02-31T00:00:00Z' }, 'receivedAt: '],
    ['pay', { ...payment, receivedAt: '2026-11-01T24:00:00Z' }, 'receivedAt: '],
    ['finalize', { at: 'once' }, 'at: '],
    ['update', { currency: 'ZZZ', dueDate: '2020-01-31' }, 'dueDate: must not be before today'],
  ] as const)('INV-04, INV-20, INV-40: %s does not take %j', (step, body, words) => {
    expect(faultsOf(step, body)).toContain(words);
  });

  it('INV-20: the minor units of former days are the amount in the currency that is said, or the invoice’s', () => {
    expect(parseStaffBody('update', { body: { amountMinor: 130_000 }, acceptedAt: NOW }, { currency: 'JPY' })).toEqual({
      data: { amount: '130000' },
    });
    expect(
      parseStaffBody('pay', { body: { ...payment, currency: 'KWD' }, acceptedAt: NOW }, { currency: 'EUR' }),
    ).toEqual({
      data: { ...payment, currency: 'KWD' },
    });
  });
});
