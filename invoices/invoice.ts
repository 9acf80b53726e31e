/**
 * What a command means. `decide` is the only place that knows it; each step says its part (steps/).
 *
 * Always true:
 * 1. Pure: the same state, command and lookups give the same decision. No clock: `acceptedAt` is the instant at which
 *    the command was accepted, and travels in it.
 * 2. Checks run in this order: exists, payment reference, If-Match, transition, business rules (docs/rules.md).
 * 3. A refusal changes nothing.
 */
import { type Accepted, type Decision, refused } from '../commands/decision.ts';
import { keyReused, versionConflict } from '../commands/refusal.ts';
import {
  type Action,
  type ActionBodies,
  type Invoice,
  type Status,
  type TimedStep,
  isTimedStep,
  mayBring,
  steps,
  timedSteps,
} from './lifecycle.ts';
import { invoiceMembers } from './members.ts';
import { initialOf } from '../commands/members.ts';
import { type InvoiceRefusalCode, cannot, invoiceNotFound } from './refusals.ts';
import type { Asked, CreateDefinition, Lookups, StepDefinition, TimedDefinition } from './step.ts';

/** A command as the rules see it. */
export interface Command<S extends Action = Action> {
  step: S;
  tenantId: string;
  invoiceId: string;
  acceptedAt: string;
  /** The version the caller saw (If-Match), or null to act on whatever is current. */
  expectedVersion: number | null;
  body: ActionBodies[S];
}

export type InvoiceDecision = Decision<Invoice, InvoiceRefusalCode>;

/** A definition whose body is not told from another's: the command that comes to it carries what it asks for. */
type AnyChange = StepDefinition<string, Status, unknown, Record<InvoiceRefusalCode, never>>;
type Drafting = CreateDefinition<Status, unknown, Record<InvoiceRefusalCode, never>>;

/**
 * Decides a command against the state of its invoice (null when there is none).
 * A finalized invoice comes back without its number: the transaction draws it, so that refusals leave no gap.
 */
export function decide<S extends Action>(
  state: Invoice | null,
  command: Command<S>,
  lookups: Lookups = {},
): InvoiceDecision {
  const step: Action = command.step;
  if (step === 'create') return decideCreate(state, command, lookups);
  if (!state) return refused(invoiceNotFound(command.invoiceId));
  if (isTimedStep(step)) return otherVersion(state, command) ?? decideTimed(state, step, command);
  const definition = steps[step] as unknown as AnyChange;
  const known = definition.known?.(state, command, lookups);
  if (known) return inStatus(known, state, state.status);
  const conflict = otherVersion(state, command);
  if (conflict) return conflict;
  if (!definition.from.includes(state.status)) return refused(cannot(state.status, step));
  const next = { ...state, version: state.version + 1, updatedAt: command.acceptedAt };
  return inStatus(definition.decide(next, command, lookups), state, definition.to[0]);
}

/** The caller has seen another version (INV-31). */
const otherVersion = ({ version }: Invoice, { expectedVersion }: Command): InvoiceDecision | undefined =>
  expectedVersion === null || expectedVersion === version
    ? undefined
    : refused(versionConflict('invoice', version, expectedVersion));

type AnyAnswer = ReturnType<AnyChange['decide']>;

/** What a step says, as an invoice in the status that it leads to. */
function inStatus(decision: AnyAnswer, state: Invoice, first: Status): InvoiceDecision {
  if (decision.kind === 'replayed') return { kind: 'replayed', state };
  return decision.kind === 'refused' ? decision : leadingTo(decision, first);
}

function leadingTo({ to, ...accepted }: Extract<AnyAnswer, { kind: 'accepted' }>, first: Status): Accepted<Invoice> {
  return { ...accepted, state: { ...accepted.state, status: to ?? first } };
}

/** A fact about an invoice that leaves its version as it is (TIM-03). */
function decideTimed(state: Invoice, step: TimedStep, asked: Asked<unknown>): InvoiceDecision {
  if (!mayBring(step, state.status)) return refused(cannot(state.status, step));
  const definition = timedSteps[step] as unknown as TimedDefinition;
  return inStatus(definition.decide(state, asked), state, state.status);
}

function decideCreate(state: Invoice | null, command: Command, lookups: Lookups): InvoiceDecision {
  // The id is derived from the command key: an invoice under it means that this key was used for another create.
  if (state) return refused(keyReused());
  const { tenantId, invoiceId, acceptedAt } = command;
  const definition = steps.create as unknown as Drafting;
  const blank = {
    ...initialOf(invoiceMembers),
    tenantId,
    id: invoiceId,
    createdAt: acceptedAt,
    updatedAt: acceptedAt,
  };
  const decision = definition.draft(blank, command, lookups);
  if (decision.kind === 'replayed') throw new TypeError('An invoice that is drafted has not been there before.');
  return decision.kind === 'refused' ? decision : leadingTo(decision, definition.to[0]);
}

/** What is still to be paid, in minor units; nothing once the invoice is cancelled. */
export const openAmountMinor = ({ status, amountMinor, amountPaidMinor }: Invoice): number =>
  status === 'cancelled' ? 0 : amountMinor - amountPaidMinor;
