/**
 * Hand-written checks of the envelopes that are sent to an invoice's workflow: a value that slips through would fail
 * the workflow task for good.
 *
 * Always true: a refusal names every member that is wrong, and what it must be, in its first line: more is not shown to
 * staff.
 */
import { EXISTING_DATE, EXISTING_INSTANT, isDate, isInstant } from '../values/dates.ts';
import { ACTOR_LENGTH, KEY_LENGTH, type Length, ONE_LINE, REASON_LENGTH, textFaults, trimmed } from '../values/text.ts';
import { malformed } from './failures.ts';

/** What a member must be, in words, and whether a value is that. */
export interface Test {
  must: string;
  passes: (value: unknown) => boolean;
}

export const text = (must: string, isRight: (value: string) => boolean): Test => ({
  must,
  passes: (value) => typeof value === 'string' && isRight(value),
});

const storable =
  (allowed: RegExp, where: string) =>
  ([min, max]: Length): Test =>
    text(
      `${min} to ${max} characters${where}, without blanks around them or control characters`,
      (value) => trimmed(value) === value && textFaults(value, allowed, [min, max]).length === 0,
    );
/** Text that is trimmed, of the given length, and of characters that are kept. */
export const line = storable(ONE_LINE, ' in one line');

const isVersion: Test = {
  must: 'a version, 1 or more',
  passes: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
};
const isExistingInstant = text(EXISTING_INSTANT, isInstant);
export const isExistingDate = text(EXISTING_DATE, isDate);
export const isUuid = text('a UUID in small letters', (value) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
);
/** W3C Trace Context, version 00. */
export const isTraceparent = text('a traceparent', (value) => /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value));
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isAnObject: Test = { must: 'an object', passes: isObject };

const orNull = ({ must, passes }: Test): Test => ({
  must: `${must}, or null`,
  passes: (value) => value === null || passes(value),
});
export const optional = ({ must, passes }: Test): Test => ({
  must,
  passes: (value) => value === undefined || passes(value),
});

type Shape = Record<string, Test>;

/** Also fingerprints and ids of attempts have the length of a key, which an index of Postgres can hold. */
const identity: Shape = {
  key: line(KEY_LENGTH),
  fingerprint: line(KEY_LENGTH),
  attemptId: line(KEY_LENGTH),
  acceptedAt: isExistingInstant,
  traceparent: optional(isTraceparent),
};

/** Unknown members that are named, and the characters of each that are shown. */
const UNKNOWN_MAX = 10;
const NAME_SHOWN_MAX = 50;

/** What is wrong with an object that must have exactly the members of `shape`; `path` leads to it. */
function faultsOf(what: string, object: Record<string, unknown>, shape: Shape, path = ''): string[] {
  const unknown = Object.keys(object).filter((member) => !Object.hasOwn(shape, member));
  return [
    ...unknown
      .slice(0, UNKNOWN_MAX)
      .map((member) => `${what} has an unknown member ${JSON.stringify(member.slice(0, NAME_SHOWN_MAX))}`),
    ...Object.entries(shape)
      .filter(([member, { passes }]) => !passes(object[member]))
      .map(([member, { must }]) => `${path}${member} must be ${must}`),
  ];
}

function refuse(faults: string[]): void {
  if (faults.length > 0) throw malformed(faults.join('; '));
}

/** Throws unless `value` is an object with exactly the members of `shape`, each as it should be. */
export const demand = (what: string, value: unknown, shape: Shape): void =>
  refuse(isObject(value) ? faultsOf(what, value, shape) : [`${what} must be an object`]);

const requestShape: Shape = {
  actor: line(ACTOR_LENGTH),
  body: isAnObject,
  expectedVersion: optional(orNull(isVersion)),
  identity: optional(isAnObject),
};

/** The envelope alone. What is in a body is judged where it is parsed: in the activity (invoices/staff-body.ts). */
export function checkStepRequest(request: unknown): void {
  if (!isObject(request)) return demand('the request', request, requestShape);
  const { identity: sender } = request;
  refuse([
    ...faultsOf('the request', request, requestShape),
    ...(isObject(sender) ? faultsOf('identity', sender, identity, 'identity.') : []),
  ]);
}

export const checkAbandon = (request: unknown): void =>
  demand('the request', request, { actor: line(ACTOR_LENGTH), reason: line(REASON_LENGTH) });

/** A run started by hand with anything else would never find its invoice: it fails at once and says why. */
export const checkInput = (input: unknown): void => demand('the input', input, { tenantId: isUuid, invoiceId: isUuid });
