/**
 * Hand-written checks of everything that can be sent to an invoice's workflow. A zod schema would add 1 MB to the
 * bundle; a value that slips through would fail the workflow task for good.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { Step } from '../domain/lifecycle.ts';

export type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string' && value.length > 0;
const isMinor: Test = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isInstant: Test = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isDate: Test = (value) =>
  typeof value === 'string' && isInstant(value) && new Date(value).toISOString().slice(0, 10) === value;
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
  name: isText,
  amountMinor: isMinor,
  currency: isText,
  customerReference: orNull(isText),
  dueDate: orNull(isDate),
  cashierId: orNull(isUuid),
};

const bodies: Record<Step, Shape> = {
  create: invoiceMembers,
  update: Object.fromEntries(Object.entries(invoiceMembers).map(([member, test]) => [member, optional(test)])),
  finalize: {},
  pay: { amountMinor: isMinor, currency: isText, method: isText, reference: isText, receivedAt: orNull(isInstant) },
  cancel: { reason: orNull(isText) },
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

const malformed = (message: string) => ApplicationFailure.nonRetryable(message, 'malformed_request');

export function checkStepRequest(step: Step, request: unknown): void {
  demand('the request', request, {
    actor: isText,
    body: () => true,
    expectedVersion: optional(orNull(isVersion)),
    identity: () => true,
  });
  demand('body', request['body'], bodies[step]);
  if (request['identity'] !== undefined) demand('identity', request['identity'], identity);
}

export const checkAbandon = (request: unknown): void =>
  demand('the request', request, { actor: isText, reason: isText });

/** A run started by hand with anything else would never find its invoice: it fails at once and says why. */
export const checkInput = (input: unknown): void => demand('the input', input, { tenantId: isUuid, invoiceId: isUuid });
