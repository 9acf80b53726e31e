/**
 * Updates as staff may send them. What would break without it: a value that slips through fails the workflow task for
 * good, or the step with an error that no retry can mend.
 */
import { samples } from '../support/step-samples.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stepNames } from '../../invoices/lifecycle.ts';
import { parseStaffBody } from '../../invoices/staff-body.ts';
import { uuidIn } from '../../values/text.ts';
import { checkDecision } from '../../workflows/dead-letter-requests.ts';
import { checkAbandon, checkInput, checkStepRequest } from '../../workflows/invoice-requests.ts';
import { mustBeCarriedOut, takenOf, unlessRefused } from '../support/entrances.ts';
import { anyText } from '../support/odd-values.ts';

it.each(stepNames)('INV-06: what staff send as %s is refused in words, or decided', (step) => {
  const body = fc.oneof({ weight: 9, arbitrary: samples[step].staff }, { weight: 1, arbitrary: fc.jsonValue() });
  const taken = takenOf(1500, body, (given) => {
    const isObject = unlessRefused(() => {
      checkStepRequest({ actor: 'ann', body: given });
      return true;
    });
    if (!isObject) return undefined;
    const parsed = parseStaffBody(
      step,
      { body: given as object, acceptedAt: '2026-11-26T12:00:00.000Z' },
      { currency: 'EUR' },
    );
    if ('data' in parsed) mustBeCarriedOut(step, parsed.data);
    else if (parsed.errors.length === 0 || parsed.errors.some(({ message }) => message === ''))
      throw new Error('It is refused without words.');
    return 'data' in parsed ? true : undefined;
  });
  expect(taken).toBeGreaterThan(5);
});

it('INV-06: whatever staff send, a workflow takes it or refuses it in words', () => {
  const checks: ((value: unknown) => void)[] = [
    (value) => checkStepRequest(value),
    (value) => checkStepRequest({ actor: 'ann', body: value }),
    (value) => checkStepRequest({ actor: value, body: {}, expectedVersion: value }),
    (value) => checkStepRequest({ actor: 'ann', body: {}, identity: value }),
    checkAbandon,
    checkInput,
    (value) => checkDecision('edit', value),
    (value) => checkDecision('replay', { operator: value, reason: value, decisionId: value }),
  ];
  const refused = takenOf(2000, fc.tuple(fc.constantFrom(...checks), fc.jsonValue()), ([check, value]) => {
    unlessRefused(() => check(value));
    return value;
  });
  expect(refused).toBe(100);
});

it('INV-04: a UUID that REST takes is one for the workflow', () => {
  const capitals = fc.uuid().map((text) => text.toUpperCase());
  const taken = takenOf(500, fc.oneof(fc.uuid(), capitals, anyText), (text) => {
    const data = uuidIn(text);
    if (data) checkInput({ tenantId: data, invoiceId: data });
    return data;
  });
  expect(taken).toBeGreaterThan(10);
});
