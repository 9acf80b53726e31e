/** The hand-written checks of what is sent to workflows. What would break without them: a workflow task that fails for good. */
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import type { Step } from '../../invoices/lifecycle.ts';
import { checkDecision } from '../../workflows/dead-letter-requests.ts';
import { checkAbandon, checkInput, checkStepRequest } from '../../workflows/invoice-requests.ts';

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
const ofStep = (step: Step, body: unknown, more: object = {}) =>
  refusalOf(() => checkStepRequest(step, { actor: 'ann', body, ...more }));

describe('a refusal', () => {
  it('names every member that is wrong, and what it must be', () => {
    const body = {
      amountMinor: 0,
      currency: 'eur',
      method: ' ',
      reference: 'x'.repeat(101),
      receivedAt: '2026-02-31',
      a: 1,
    };
    expect(ofStep('pay', body, { actor: '', expectedVersion: 0, identity: { key: 1 } })?.split('; ')).toEqual([
      'actor must be 1 to 100 characters in one line, without blanks around them or control characters',
      'expectedVersion must be a version, 1 or more, or null',
      'body has an unknown member "a"',
      'body.amountMinor must be a whole number of minor units, 1 to 99999999999999',
      'body.currency must be a currency code such as "EUR"',
      'body.method must be 1 to 50 characters in one line, without blanks around them or control characters',
      'body.reference must be 1 to 100 characters in one line, without blanks around them or control characters',
      'body.receivedAt must be an instant that exists, such as "2030-01-31T09:30:00Z", or null',
      'identity.key must be 1 to 255 characters in one line, without blanks around them or control characters',
      'identity.fingerprint must be 1 to 255 characters in one line, without blanks around them or control characters',
      'identity.attemptId must be 1 to 255 characters in one line, without blanks around them or control characters',
      'identity.acceptedAt must be an instant that exists, such as "2030-01-31T09:30:00Z"',
    ]);
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
    expect(refusalOf(() => checkStepRequest('finalize', request))).toBe(words);
  });

  it('stays one short line, whatever members are called', () => {
    const names = Array.from({ length: 1000 }, (_, n) => [`\uD800\n${n}${'x'.repeat(1000)}`, n]);
    const refusal = ofStep('finalize', Object.fromEntries(names)) ?? '';
    expect(refusal.length).toBeLessThan(1500);
    expect(refusal).not.toContain('\n');
  });

  it('is given for what the others take too', () => {
    expect(refusalOf(() => checkAbandon({ actor: '👍'.repeat(101), reason: '' }))).toMatch(
      /^actor must .*; reason must /,
    );
    expect(refusalOf(() => checkInput({ tenantId: 'x' }))).toMatch(/^tenantId must .*; invoiceId must /);
    expect(refusalOf(() => checkDecision('discard', { operator: 'ann', reason: 'x', payload: '{}' }))).toBe(
      'the request has an unknown member "payload"',
    );
    expect(refusalOf(() => checkDecision('edit', { operator: 'ann', reason: 'x', payload: '\uD800' }))).toMatch(
      /^payload must be the whole payload as JSON text/,
    );
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
  ] as const)('INV-04, INV-20: %s takes %j', (step, body) => {
    expect(ofStep(step, body)).toBeUndefined();
  });

  it.each([
    ['update', { amount: 1300 }, 'body.amount'],
    ['update', { amount: '1e3' }, 'body.amount'],
    ['update', { amount: '1300.00', amountMinor: 130_000 }, 'body must have amount or amountMinor, not both'],
    ['update', { amountMinor: 1e14 }, 'body.amountMinor'],
    ['update', { amountMinor: 1.5 }, 'body.amountMinor'],
    ['update', { currency: 'EU\0' }, 'body.currency'],
    ['update', { currency: 'ısk' }, 'body.currency'],
    ['update', { name: '\u200B\u200B\u200B' }, 'body.name'],
    ['update', { name: 'Hosting\u200B' }, 'body.name'],
    ['update', { name: 'a👍'.repeat(51) }, 'body.name'],
    ['update', { dueDate: '2026-02-30' }, 'body.dueDate'],
    ['update', { dueDate: '0000-01-01' }, 'body.dueDate'],
    ['update', { cashierId: 'ME' }, 'body.cashierId'],
    ['pay', { ...payment, amount: '1200.00' }, 'body has an unknown member "amount"'],
    ['pay', { ...payment, receivedAt: '2026-02-31T00:00:00Z' }, 'body.receivedAt'],
    ['pay', { ...payment, receivedAt: '2026-11-01T24:00:00Z' }, 'body.receivedAt'],
    ['cancel', {}, 'body.reason'],
  ] as const)('INV-04, INV-20, INV-40: %s does not take %j', (step, body, words) => {
    expect(ofStep(step, body)).toMatch(words);
  });
});
