/**
 * Updates as staff may send them. What would break without it: a value that slips through fails the workflow task for
 * good, or the step with an error that no retry can mend.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Step, stepNames } from '../../invoices/lifecycle.ts';
import { parseStaffBody } from '../../invoices/staff-body.ts';
import { invoiceTexts, uuidIn } from '../../values/text.ts';
import { checkDecision } from '../../workflows/dead-letter-requests.ts';
import { checkAbandon, checkInput, checkStepRequest } from '../../workflows/invoice-requests.ts';
import { mustBeCarriedOut, takenOf, unlessRefused } from '../support/entrances.ts';
import { anyText, dateText, textNear } from '../support/odd-values.ts';

const textOf = ([, max]: readonly [number, number]) => fc.oneof(textNear(max), fc.constant('Hosting'));
const usually = (value: unknown, ...odd: fc.Arbitrary<unknown>[]) => fc.oneof(fc.constant(value), ...odd);

const amountMinor = usually(120_000, fc.integer({ min: -1, max: 1e14 + 1 }), fc.double());
const currency = usually('EUR', fc.constantFrom('JPY', 'eur', 'ZZZ', 'XXX', 'ISK', 'EU\0'));
const instants = dateText.map((date) => `${date}T10:00:00+02:00`);
const members = {
  name: textOf(invoiceTexts.name),
  amountMinor,
  currency,
  customerReference: usually(null, textOf(invoiceTexts.customerReference)),
  dueDate: usually(null, dateText),
  cashierId: usually(null, fc.uuid()),
};

/** Bodies near what each step takes. */
const bodies: Record<Step, fc.Arbitrary<unknown>> = {
  create: fc.record(members, { noNullPrototype: true }),
  update: fc.record(
    { ...members, amount: fc.constantFrom('1300.00', '1300', '0', '1e3', '1.23456', '99999999999999') },
    { requiredKeys: [], noNullPrototype: true },
  ),
  finalize: fc.constant({}),
  pay: fc.record(
    {
      amountMinor,
      currency,
      method: textOf(invoiceTexts.method),
      reference: textOf(invoiceTexts.reference),
      receivedAt: usually(null, instants),
    },
    { noNullPrototype: true },
  ),
  cancel: fc.record({ reason: usually(null, textOf(invoiceTexts.reason)) }, { noNullPrototype: true }),
};

it.each(stepNames)('INV-06: what staff send as %s is refused in words, or decided', (step) => {
  const body = fc.oneof({ weight: 9, arbitrary: bodies[step] }, { weight: 1, arbitrary: fc.jsonValue() });
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
