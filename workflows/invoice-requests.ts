/**
 * Hand-written checks of everything that can be sent to an invoice's workflow. A zod schema would add 1 MB to the
 * bundle; a value that slips through would fail the workflow task for good.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { Step } from '../domain/lifecycle.ts';
import { ACTOR_LENGTH, type Length, MANY_LINES, ONE_LINE, REASON_LENGTH, invoiceTexts } from '../domain/text.ts';

export type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string' && value.length > 0;
const isMinor: Test = (value) => Number.isSafeInteger(value) && (value as number) > 0;
/** Text that is trimmed, of the given length, and of characters that are kept. */
const text =
  (pattern: RegExp) =>
  ([min, max]: Length): Test =>
  (value) =>
    typeof value === 'string' &&
    value.trim() === value &&
    value.length >= min &&
    value.length <= max &&
    pattern.test(value);
export const line = text(ONE_LINE);
const lines = text(MANY_LINES);

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const isInstant: Test = (value) => typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value));
const isDate: Test = (value) =>
  typeof value === 'string' && isInstant(`${value}T00:00:00Z`) && new Date(value).toISOString().slice(0, 10) === value;
const isVersion: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
export const isUuid: Test = (value) =>
  typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);
export const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);

type Shape = Record<string, Test>;

const invoiceMembers = {
  name: line(invoiceTexts.name),
  amountMinor: isMinor,
  currency: isText,
  customerReference: orNull(line(invoiceTexts.customerReference)),
  dueDate: orNull(isDate),
  cashierId: orNull(isUuid),
};

const bodies: Record<Step, Shape> = {
  create: invoiceMembers,
  update: Object.fromEntries(Object.entries(invoiceMembers).map(([member, test]) => [member, optional(test)])),
  finalize: {},
  pay: {
    amountMinor: isMinor,
    currency: isText,
    method: line(invoiceTexts.method),
    reference: line(invoiceTexts.reference),
    receivedAt: orNull(isInstant),
  },
  cancel: { reason: orNull(lines(invoiceTexts.reason)) },
};

const identity: Shape = { key: isText, fingerprint: isText, attemptId: isText, acceptedAt: isInstant };

/** Throws unless `value` is an object with exactly the members of `shape`, each as it should be. */
export function demand(what: string, value: unknown, shape: Shape): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${what} must be an object`);
  const object = value as Record<string, unknown>;
  for (const member of Object.keys(object)) {
    if (!Object.hasOwn(shape, member)) throw malformed(`${what} has an unknown member "${member}"`);
  }
  for (const [member, isRight] of Object.entries(shape)) {
    if (!isRight(object[member])) throw malformed(`${what}.${member} is missing or not valid`);
  }
}

export const malformed = (message: string) => ApplicationFailure.nonRetryable(message, 'malformed_request');

export function checkStepRequest(step: Step, request: unknown): void {
  demand('the request', request, {
    actor: line(ACTOR_LENGTH),
    body: () => true,
    expectedVersion: optional(orNull(isVersion)),
    identity: () => true,
  });
  demand('body', request['body'], bodies[step]);
  if (request['identity'] !== undefined) demand('identity', request['identity'], identity);
}

export const checkAbandon = (request: unknown): void =>
  demand('the request', request, { actor: line(ACTOR_LENGTH), reason: line(REASON_LENGTH) });

/** A run started by hand with anything else would never find its invoice: it fails at once and says why. */
export const checkInput = (input: unknown): void => demand('the input', input, { tenantId: isUuid, invoiceId: isUuid });
