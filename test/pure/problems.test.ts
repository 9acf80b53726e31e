import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  Problem,
  type ProblemCode,
  problemDocument,
  problemOf,
  problemTable,
  unavailable,
} from '../../api/problems.ts';
import { parseOrRefuse } from '../../api/validation.ts';
import type { Resolution } from '../../dead-letters/dead-letter.ts';
import { cashierRefusals } from '../../cashiers/refusals.ts';
import { type FieldError, commonRefusals, refusal, refusalWith } from '../../commands/refusal.ts';
import { invoiceRefusals, isInvoiceRefusal, notAllowed } from '../../invoices/refusals.ts';
import { createInvoiceSchema } from '../support/bodies.ts';

describe('problems', () => {
  // Callers decide by status and code whether to try again: both are a contract, written out here.
  const refusals = { ...commonRefusals, ...invoiceRefusals, ...cashierRefusals };
  const codes = Object.keys(refusals) as (keyof typeof refusals)[];
  const statusOf: Record<keyof typeof refusals, number> = {
    validation_failed: 422,
    idempotency_key_reused: 422,
    invoice_not_found: 404,
    payment_reference_used: 409,
    version_conflict: 412,
    transition_not_allowed: 409,
    currency_mismatch: 422,
    payment_below_amount: 422,
    payment_above_amount: 422,
    unknown_cashier: 422,
    currency_not_accepted: 422,
    cashier_not_found: 404,
    email_taken: 409,
    cashier_in_use: 409,
  };

  it.each(codes)('refusal %s has a row with its status and a title', (code) => {
    const { status, title } = problemTable[code];
    expect({ status, title }).toEqual({ status: statusOf[code], title: expect.stringMatching(/\S/) });
  });

  const edge: [ProblemCode, number][] = [
    ['malformed_request', 400],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['internal_error', 500],
    ['temporarily_unavailable', 503],
  ];
  it.each(edge)('INV-05: the edge’s %s is a %i', (code, status) => {
    expect(problemTable[code].status).toBe(status);
  });

  it('a refusal becomes a problem document with its members', () => {
    const members = { invoiceStatus: 'paid', allowedActions: [] };
    const problem = problemOf(notAllowed('paid', 'An invoice that is paid cannot pay.'));
    expect(problemDocument(problem, '/v1/invoices/1/pay')).toEqual({
      type: '/problems/transition_not_allowed',
      title: problemTable.transition_not_allowed.title,
      status: 409,
      detail: 'An invoice that is paid cannot pay.',
      instance: '/v1/invoices/1/pay',
      code: 'transition_not_allowed',
      ...members,
    });
  });

  // A member that the table does not have would be sent without being published. tsc is what fails.
  it('a code has its own members: others do not compile', () => {
    const ofCommon = refusalWith(commonRefusals);
    expectTypeOf(ofCommon<'version_conflict'>)
      .parameter(2)
      .toEqualTypeOf<{ currentVersion: number }>();
    expectTypeOf(refusal<'invoice_not_found'>).parameters.toEqualTypeOf<['invoice_not_found', string]>();
    expectTypeOf<ConstructorParameters<typeof Problem<'dead_letter_resolved'>>[2]>().toEqualTypeOf<{
      resolution: Resolution;
      resolvedBy: string;
    }>();
    expectTypeOf<ConstructorParameters<typeof Problem<'invalid_header'>>[2]>().toEqualTypeOf<
      Record<string, never> | undefined
    >();
  });

  it('what is not available at the moment says when to try again', () => {
    expect(unavailable('Kafka is away.')).toMatchObject({
      code: 'temporarily_unavailable',
      headers: { 'Retry-After': '1' },
    });
  });

  // Of a workflow's failure, only its type says whether the rules refused or something broke.
  it.each(['internal_error', 'Error', 'toString', '', null, undefined, 7])('%j is no refusal', (code) => {
    expect(isInvoiceRefusal(code)).toBe(false);
  });

  const ofInvoices = codes.filter((code) => !(code in cashierRefusals));
  it.each(ofInvoices)('%s is a refusal', (code) => {
    expect(isInvoiceRefusal(code)).toBe(true);
  });
});

describe('parseOrRefuse', () => {
  function problemBy(read: () => unknown): Problem {
    try {
      read();
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
    throw new Error('Expected a problem');
  }

  function errorsOf(value: unknown, more: FieldError[] = []): string[] {
    const { code, members } = problemBy(() => parseOrRefuse(createInvoiceSchema, value, more));
    expect(code).toBe('validation_failed');
    const errors = members['errors'] as FieldError[];
    expect(errors.filter(({ message }) => message === '')).toEqual([]);
    return errors.map((error) => `${error.path} ${error.code}`).toSorted();
  }

  it('INV-05: every fault with its path and a stable code', () => {
    expect(errorsOf({ name: 'a', amount: '1.234', currency: 'JPY', dueDate: '2026-02-30', colour: 'red' })).toEqual([
      'amount too_many_decimals',
      'colour unknown_member',
      'dueDate invalid_format',
      'name too_small',
    ]);
    expect(errorsOf({ name: 'x'.repeat(101), amount: '0', currency: 'EUR' })).toEqual([
      'amount out_of_range',
      'name too_big',
    ]);
    expect(errorsOf({ name: 'Hosting', amount: '-1', currency: 'XXX' })).toEqual([
      'amount not_a_decimal',
      'currency unknown_currency',
    ]);
  });

  it('INV-05: what is missing is required', () => {
    expect(errorsOf({})).toEqual(['amount required', 'currency required', 'name required']);
  });

  // "Not before today" is no matter of the shape, but a caller sees it together with the shape's faults.
  it('INV-05: faults that the schema cannot know are told beside its own', () => {
    const past = { path: 'dueDate', code: 'in_the_past', message: 'must not be before today' };
    expect(errorsOf({ name: 'a', amount: '1', currency: 'EUR', dueDate: '2020-01-01' }, [past])).toEqual([
      'dueDate in_the_past',
      'name too_small',
    ]);
  });

  it('what is right is parsed', () => {
    expect(parseOrRefuse(createInvoiceSchema, { name: ' Hosting ', amount: 1, currency: 'eur' })).toMatchObject({
      name: 'Hosting',
      amountMinor: 100,
      currency: 'EUR',
    });
  });
});
