/**
 * Hand-written checks of everything that can be sent to an invoice's workflow. A zod schema would add 1 MB to the
 * bundle; a value that slips through would fail the workflow task for good.
 *
 * Always true:
 * 1. What the schemas of REST and Kafka let through is right here too: both ask domain/ what a text, an amount, a date
 *    and an instant is.
 * 2. A refusal names every member that is wrong, and what it must be, in its first line: more is not shown to staff.
 */
import { AMOUNT_MAX_MINOR, faultInAnyCurrency } from '../values/amount.ts';
import { EXISTING_DATE, EXISTING_INSTANT, isDate, isInstant } from '../values/dates.ts';
import type { Step } from '../invoices/lifecycle.ts';
import {
  ACTOR_LENGTH,
  KEY_LENGTH,
  type Length,
  MANY_LINES,
  ONE_LINE,
  REASON_LENGTH,
  invoiceTexts,
  textFaults,
  trimmed,
} from '../values/text.ts';
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

const kept =
  (allowed: RegExp, where: string) =>
  ([min, max]: Length): Test =>
    text(
      `${min} to ${max} characters${where}, without blanks around them or control characters`,
      (value) => trimmed(value) === value && textFaults(value, allowed, [min, max]).length === 0,
    );
/** Text that is trimmed, of the given length, and of characters that are kept. */
export const line = kept(ONE_LINE, ' in one line');
const lines = kept(MANY_LINES, '');

const atLeastOne = (must: string, max: number): Test => ({
  must,
  passes: (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max,
});
const isMinor = atLeastOne(`a whole number of minor units, 1 to ${AMOUNT_MAX_MINOR}`, AMOUNT_MAX_MINOR);
const isVersion = atLeastOne('a version, 1 or more', Number.MAX_SAFE_INTEGER);
const isAmount = text('a plain decimal such as "1200.00"', (value) => faultInAnyCurrency(value) === undefined);
const isCurrency = text('a currency code such as "EUR"', (value) => /^[A-Z]{3}$/.test(value));
const isExistingInstant = text(EXISTING_INSTANT, isInstant);
export const isExistingDate = text(EXISTING_DATE, isDate);
export const isUuid = text('a UUID in small letters', (value) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
);
const isObject = (value: unknown): value is Record<string, unknown> =>
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

const invoiceMembers = {
  name: line(invoiceTexts.name),
  amountMinor: isMinor,
  currency: isCurrency,
  customerReference: orNull(line(invoiceTexts.customerReference)),
  dueDate: orNull(isExistingDate),
  cashierId: orNull(isUuid),
};

const bodies: Record<Step, Shape> = {
  create: invoiceMembers,
  update: Object.fromEntries(
    Object.entries({ ...invoiceMembers, amount: isAmount }).map(([member, test]) => [member, optional(test)]),
  ),
  finalize: {},
  pay: {
    amountMinor: isMinor,
    currency: isCurrency,
    method: line(invoiceTexts.method),
    reference: line(invoiceTexts.reference),
    receivedAt: orNull(isExistingInstant),
  },
  cancel: { reason: orNull(lines(invoiceTexts.reason)) },
};

/** Also fingerprints and ids of attempts have the length of a key, which an index of Postgres can hold. */
const identity: Shape = {
  key: line(KEY_LENGTH),
  fingerprint: line(KEY_LENGTH),
  attemptId: line(KEY_LENGTH),
  acceptedAt: isExistingInstant,
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

export function checkStepRequest(step: Step, request: unknown): void {
  if (!isObject(request)) return demand('the request', request, requestShape);
  const { body, identity: sender } = request;
  refuse([
    ...faultsOf('the request', request, requestShape),
    ...(isObject(body) ? [...faultsOf('body', body, bodies[step], 'body.'), ...saidTwice(body)] : []),
    ...(isObject(sender) ? faultsOf('identity', sender, identity, 'identity.') : []),
  ]);
}

/** A decimal and minor units could contradict each other. */
const saidTwice = ({ amount, amountMinor }: Record<string, unknown>): string[] =>
  amount === undefined || amountMinor === undefined ? [] : ['body must have amount or amountMinor, not both'];

export const checkAbandon = (request: unknown): void =>
  demand('the request', request, { actor: line(ACTOR_LENGTH), reason: line(REASON_LENGTH) });

/** A run started by hand with anything else would never find its invoice: it fails at once and says why. */
export const checkInput = (input: unknown): void => demand('the input', input, { tenantId: isUuid, invoiceId: isUuid });
