/**
 * REST, with values as nobody sends them on purpose. What would break without it: something that nobody foresaw is
 * answered with 500, or is taken by the edge and refused by the workflow.
 */
import { restMembers, restPayment, samples } from '../support/step-samples.ts';
import type { StepBodies } from '../../invoices/lifecycle.ts';
import { instant, schemaOf, untrimmed } from '../../values/schema.ts';
import type { Request } from 'express';
import fc from 'fast-check';
import { stringify } from 'lossless-json';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { cursorOf, positionOf } from '../../api/cursor.ts';
import { expectedVersion, idempotencyKey } from '../../api/headers.ts';
import { demoCaller } from '../../api/identity.ts';
import { jsonOf } from '../../api/json-body.ts';
import { parseOrRefuse } from '../../api/validation.ts';
import { cashierPageSchema } from '../../cashiers/schemas.ts';
import { decideSchema, editSchema, groupSchema, listDeadLettersSchema } from '../../dead-letters/schemas.ts';
import { EDITED_PAYLOAD_MAX } from '../../dead-letters/dead-letter.ts';
import { listInvoicesSchema, simulatePaymentSchema } from '../../invoices/schemas.ts';
import { type Step, stepNames, stepOf, steps } from '../../invoices/lifecycle.ts';
import { checkDecision } from '../../workflows/dead-letter-requests.ts';
import { checkAbandon } from '../../workflows/invoice-requests.ts';
import { acceptCurrencySchema, createCashierSchema, updateCashierSchema } from '../support/bodies.ts';
import { mustBeCarriedOut, mustBeStored, takenOf, unlessRefused } from '../support/entrances.ts';
import {
  anyText,
  dateMember,
  dateText,
  emailMember,
  jsonText,
  latin1,
  member,
  numberText,
  objectText,
  textMember,
  textNear,
} from '../support/odd-values.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text);
const asSent = <T extends z.ZodType>(schema: T, text: string): z.output<T> | undefined =>
  unlessRefused(() => parseOrRefuse(schema, jsonOf(bytesOf(text))));

it('INV-05: a body is read, or refused, whatever its bytes are', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    jsonText.map((text) => bytesOf(`[${text}]`)),
    fc.tuple(objectText(restMembers), fc.nat({ max: 60 })).map(([text, end]) => bytesOf(text).slice(0, end)),
  );
  const taken = takenOf(3000, bytes, (sent) => unlessRefused(() => jsonOf(sent)));
  expect(taken).toBeGreaterThan(10);
});

it('INV-05: a body means what JavaScript reads in it, and its numbers keep their digits', () => {
  const numbers = fc.array(numberText, { maxLength: 5 }).map((texts) => `[${texts.join(',')}]`);
  const property = fc.property(fc.oneof(fc.json(), numbers), (item) => {
    const text = `[${item}]`;
    expect(JSON.parse(stringify(jsonOf(bytesOf(text))) ?? '')).toEqual(JSON.parse(text));
  });
  fc.assert(property, { numRuns: 1500 });
});

it.each(stepNames)(
  'INV-04, INV-06: what REST takes as the body of %s, the workflow takes too, and it is kept',
  (step) => {
    const taken = takenOf(2500, samples[step].rest, (sent) => {
      const body = asSent(schemaOf(stepOf(step).body), sent) as StepBodies[Step] | undefined;
      if (body !== undefined) mustBeCarriedOut(step, body);
      return body;
    });
    expect(taken).toBeGreaterThan(10);
  },
);

const otherBodies = [
  { what: 'a cashier', schema: createCashierSchema, members: { name: textMember(100), email: emailMember } },
  { what: 'a changed cashier', schema: updateCashierSchema, members: { name: textMember(100), email: emailMember } },
  { what: 'a currency of a cashier', schema: acceptCurrencySchema, members: { effectiveFrom: dateMember } },
  {
    what: 'a group of dead letters',
    schema: groupSchema,
    members: {
      filter: member(objectText({ reason: textMember(300), type: textMember(300) })),
      reason: textMember(500),
    },
  },
];
it.each(otherBodies)('INV-05, CSH-01: the body of $what is taken and kept, or refused', ({ schema, members }) => {
  const taken = takenOf(800, objectText(members), (sent) => {
    const body = asSent(schema as z.ZodType, sent);
    if (body !== undefined) mustBeStored(body);
    return body;
  });
  expect(taken).toBeGreaterThan(10);
});

it('PAY-01: what is to be simulated is parsed as a payment, or refused', () => {
  const taken = takenOf(800, objectText(restPayment, { allOptional: true }), (sent) => {
    const given = asSent(simulatePaymentSchema, sent);
    const usual = { amount: '1200.00', currency: 'EUR', method: 'credit card', reference: 'SIM-1' };
    const payment = given && unlessRefused(() => parseOrRefuse(schemaOf(steps.pay.body), { ...usual, ...given }));
    if (payment) mustBeCarriedOut('pay', payment);
    return payment;
  });
  expect(taken).toBeGreaterThan(10);
});

it('a decision about a dead letter that REST takes, its workflow takes too', () => {
  const decisions = takenOf(1000, objectText({ reason: textMember(500) }), (sent) => {
    const decision = asSent(decideSchema, sent);
    if (decision) checkDecision('replay', { operator: 'ann', ...decision });
    return decision;
  });
  expect(decisions).toBeGreaterThan(10);
  const long = fc
    .integer({ min: -2, max: 2 })
    .map((more) => `{"reason":"mended","payload":"${'👍'.repeat(EDITED_PAYLOAD_MAX + more)}"}`);
  const short = objectText({ reason: textMember(500), payload: textMember(10) });
  const edits = takenOf(500, fc.oneof({ weight: 50, arbitrary: short }, { weight: 1, arbitrary: long }), (sent) => {
    const decision = asSent(editSchema, sent);
    if (decision) {
      checkDecision('edit', { operator: 'ann', ...decision });
      mustBeStored(decision);
    }
    return decision;
  });
  expect(edits).toBeGreaterThan(10);
});

it.each([
  { list: 'invoices', schema: listInvoicesSchema, filters: ['status', 'currency', 'cashierId', 'number', 'dueBefore'] },
  { list: 'cashiers', schema: cashierPageSchema, filters: [] },
  { list: 'dead letters', schema: listDeadLettersSchema, filters: ['status', 'direction', 'reason', 'topic', 'type'] },
])('INV-11: a query of $list is taken and kept, or refused', ({ schema, filters }) => {
  const usual = fc.constantFrom('5', 'EUR', 'draft', 'open', '2030-01-31', 'INV-2030-000001');
  const one = fc.oneof(usual, anyText, fc.constantFrom('0x10', '1e1', '+5', 'ıSK', '201'), dateText, fc.uuid());
  const value = fc.oneof({ weight: 9, arbitrary: one }, { weight: 1, arbitrary: fc.array(one, { maxLength: 2 }) });
  const query = fc.dictionary(fc.constantFrom('limit', 'cursor', ...filters), value, { maxKeys: 2 });
  const taken = takenOf(1000, query, (given) => {
    const filter = unlessRefused(() => parseOrRefuse(schema as z.ZodType, given));
    if (filter !== undefined) mustBeStored(filter);
    return filter;
  });
  expect(taken).toBeGreaterThan(10);
});

it.each([
  { by: 'instant', place: z.tuple([instant(), z.guid()]) },
  { by: 'name', place: z.tuple([untrimmed(0, 100), z.guid()]) },
])('INV-11: a cursor by $by names a place that Postgres takes, or is refused', ({ place }) => {
  const part = fc.oneof(anyText, fc.uuid(), fc.constant('2026-11-26T12:00:00.000Z'));
  const positions = fc.oneof(fc.array(part, { maxLength: 3 }), fc.tuple(part, fc.uuid()));
  const cursor = fc.oneof(
    anyText,
    positions.map((parts) => cursorOf('/v1/things', ...parts)),
  );
  const taken = takenOf(1000, cursor, (text) => {
    const position = unlessRefused(() => positionOf('/v1/things', place as z.ZodType, text));
    if (position !== undefined) mustBeStored(position);
    return position;
  });
  expect(taken).toBeGreaterThan(2);
});

const header = fc.oneof(latin1, textNear(100), fc.constantFrom('"1"', '*', ' * ', 'W/"1"', '"01"', '"999999999"'));

it.each([
  { called: 'Idempotency-Key', read: idempotencyKey },
  { called: 'If-Match', read: expectedVersion },
])('INV-05: the header $called is read, or refused', ({ read }) => {
  expect(takenOf(1500, header, (value) => unlessRefused(() => read(value)))).toBeGreaterThan(5);
});

it('INV-05: an actor whom REST takes, the workflow takes too', () => {
  const taken = takenOf(1500, header, (value) => {
    const request = { get: (asked: string) => (asked === 'X-Actor' ? value : undefined) } as unknown as Request;
    const actor = unlessRefused(() => demoCaller(request).actor);
    if (actor !== undefined) {
      checkAbandon({ actor, reason: 'x' });
      mustBeStored(actor);
    }
    return actor;
  });
  expect(taken).toBeGreaterThan(10);
});
