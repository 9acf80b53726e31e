/**
 * What a command about a cashier means: pure, with the same order of checks as an invoice's: exists, If-Match, business
 * rules (docs/rules.md). Each step says its part (steps/).
 */
import { type Decision, refused } from '../commands/decision.ts';
import { initialOf } from '../commands/members.ts';
import { keyReused, versionConflict } from '../commands/refusal.ts';
import { type CashierBodies, type CashierStep, cashierSteps } from './lifecycle.ts';
import { type Cashier, cashierMembers } from './members.ts';
import { type CashierRefusalCode, cashierNotFound } from './refusals.ts';
import type { CashierCreateDefinition, CashierLookups, CashierStepDefinition } from './step.ts';

/** A command as the rules see it; `step` tells its body. */
export type CashierCommand<S extends CashierStep = CashierStep> = {
  [Named in S]: {
    step: Named;
    tenantId: string;
    cashierId: string;
    acceptedAt: string;
    /** The version the caller saw (If-Match), or null to act on whatever is current. */
    expectedVersion: number | null;
    body: CashierBodies[Named];
  };
}[S];

export type CashierDecision = Decision<Cashier, CashierRefusalCode>;

/** A definition whose body is not told from another's: the command that comes to it carries what it asks for. */
type AnyChange = CashierStepDefinition<unknown, unknown, unknown, Record<CashierRefusalCode, never>>;
type Adding = CashierCreateDefinition<unknown, unknown, Record<CashierRefusalCode, never>>;

/** Decides a command against the state of its cashier (null when there is none). */
export function decideCashier(
  state: Cashier | null,
  command: CashierCommand,
  lookups: CashierLookups = {},
): CashierDecision {
  if (command.step === 'create') return decideCreate(state, command, lookups);
  if (!state) return refused(cashierNotFound(command.cashierId));
  if (command.expectedVersion !== null && command.expectedVersion !== state.version)
    return refused(versionConflict('cashier', state.version, command.expectedVersion));
  const definition = cashierSteps[command.step] as unknown as AnyChange;
  const decision = definition.decide(state, command, lookups);
  if (decision.kind === 'replayed') return { kind: 'replayed', state };
  return decision.kind === 'accepted' && definition.removes ? { ...decision, removed: true } : decision;
}

function decideCreate(
  state: Cashier | null,
  command: CashierCommand<'create'>,
  lookups: CashierLookups,
): CashierDecision {
  // The id is derived from the command key: a cashier under it means that this key was used for another create.
  if (state) return refused(keyReused());
  const { tenantId, cashierId: id, acceptedAt } = command;
  const blank = { ...initialOf(cashierMembers), tenantId, id, createdAt: acceptedAt, updatedAt: acceptedAt };
  const decision = (cashierSteps.create as unknown as Adding).draft(blank, command, lookups);
  if (decision.kind === 'replayed') throw new TypeError('A cashier that is added has not been there before.');
  return decision;
}
