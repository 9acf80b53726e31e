/**
 * The life of an invoice as documents tell it: each action is carried out by the rules, with the example that its
 * definition has, on the shortest way from no invoice at all.
 */
import type { Occurrence } from '../commands/command.ts';
import { addDays, dateOf } from '../values/dates.ts';
import { schemaOf } from '../values/schema.ts';
import { decide } from './invoice.ts';
import {
  type Action,
  type Invoice,
  type Status,
  type StepCommand,
  isTimedStep,
  stepNames,
  stepOf,
  timedSteps,
} from './lifecycle.ts';
import { formatInvoiceNumber } from './number.ts';
import type { Lookups } from './step.ts';
import { timersOf } from './timers.ts';

const TENANT = '11111111-1111-4111-8111-111111111111';
const INVOICE = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
const FIRST_DAY = '2029-11-30';
const NUMBER = 42;

/** A cashier who takes everything, and no payment that is known. */
const lookups: Lookups = { paymentWithReference: null, cashier: { accepts: () => true } };

/** An action as it is accepted, and the invoice after it. */
export function exampleOf<S extends Action>(action: S): Occurrence<Invoice, StepCommand<S>> {
  const before = beforeOf(action);
  const acceptedAt = instantOf(action, before);
  const head = { tenantId: TENANT, invoiceId: INVOICE, expectedVersion: null, acceptedAt };
  const command = { ...head, key: '', fingerprint: '', attemptId: '', actor: '', body: bodyOf(action) };
  const decision = decide(before, { ...command, step: action } as never, lookups);
  if (decision.kind !== 'accepted') throw new TypeError(`The example of ${action} is not accepted.`);
  const state = withNumber(decision.state, acceptedAt);
  return { before, state, command: command as StepCommand<S>, newId: () => '' };
}

const bodyOf = (action: Action): unknown =>
  isTimedStep(action)
    ? timedSteps[action].example
    : schemaOf(stepOf(action).body).parse(Object.values(stepOf(action).examples)[0]);

function beforeOf(action: Action): Invoice | null {
  const [from] = isTimedStep(action) ? timedSteps[action].from : (stepOf(action).from as readonly Status[]);
  return from === undefined ? null : invoiceIn(from);
}

/** By the first step that leads to the status. */
function invoiceIn(status: Status): Invoice {
  const step = stepNames.find((one) => stepOf(one).to.includes(status));
  if (!step) throw new TypeError(`No step leads to ${status}.`);
  return exampleOf(step).state;
}

/** A day after what was before; what time brings comes when it is due. */
function instantOf(action: Action, before: Invoice | null): string {
  if (!before) return `${FIRST_DAY}T16:00:00.000Z`;
  const timer = timersOf(before).find(({ kind }) => kind === action);
  return timer?.at ?? `${addDays(dateOf(before.updatedAt), 1)}T09:30:00.000Z`;
}

/** The transaction draws it, from the database. */
const withNumber = (invoice: Invoice, acceptedAt: string): Invoice =>
  invoice.finalizedAt === null || invoice.number !== null
    ? invoice
    : { ...invoice, number: formatInvoiceNumber(Number(acceptedAt.slice(0, 4)), NUMBER) };
