/**
 * Commands about cashiers, derived from the definitions of the steps. They need no workflow: nothing happens to a
 * cashier later, so each is one plain transaction of the process that was asked.
 */
import type { CommandDefinition, Outcome } from '../commands/command.ts';
import type { CommandHead } from '../commands/decision.ts';
import { type TransactionDeps, carryOut } from '../commands/transaction.ts';
import { type TransactionClient, violatedConstraint } from '../platform/database.ts';
import { type CashierCommand, decideCashier } from './cashier.ts';
import { cashierEntity } from './entity.ts';
import { eventsOf } from './events.ts';
import { type CashierStep, cashierStepOf } from './lifecycle.ts';
import { isCashierInUse, isEmailTaken } from './lookups.ts';
import type { Cashier } from './members.ts';
import type { CashierAnswer, CashierLookupPort, CashierLookups } from './step.ts';

/** A command on its way to its transaction. */
export type CashierRequest<S extends CashierStep = CashierStep> = CashierCommand<S> & CommandHead;

export type CashierOutcome = Outcome<Cashier, CashierAnswer>;

/** Somebody was quicker: decided again, it comes out right. More often than this, it is a bug. */
const DECISIONS_MAX = 3;

/**
 * Carries a command out, once. Rejects when the database failed (platform/database.ts), and then nothing was changed.
 */
export async function carryOutCashierCommand(deps: TransactionDeps, command: CashierRequest): Promise<CashierOutcome> {
  for (let decision = 1; ; decision += 1) {
    try {
      const [outcome] = await carryOut(deps, cashierCommandOf(command.step), [command]);
      if (!outcome) throw new TypeError('A command came back without an outcome.');
      return outcome;
    } catch (error) {
      if (decision === DECISIONS_MAX || violatedConstraint(error) === undefined) throw error;
    }
  }
}

/** The command of a step. */
export function cashierCommandOf(
  step: CashierStep,
): CommandDefinition<Cashier, CashierRequest, CashierLookups, CashierAnswer> {
  const { lookUp, answer } = cashierStepOf(step);
  return {
    entity: cashierEntity,
    step,
    entityId: ({ cashierId }) => cashierId,
    // Of a cashier that is not there nothing else is asked.
    lookUp: async (tx, command, state) =>
      (step === 'create' || state ? await lookUp?.(command, portOf(tx, command)) : undefined) ?? {},
    decide: decideCashier,
    answer: answer.of,
    events: eventsOf(step),
  };
}

const portOf = (tx: TransactionClient, command: CashierRequest): CashierLookupPort => ({
  emailTaken: (email) => isEmailTaken(tx, command, email),
  inUse: () => isCashierInUse(tx, command),
});
