/**
 * Commands about cashiers. They need no workflow: nothing happens to a cashier later, so each is one plain transaction
 * of the process that was asked.
 */
import type { AcceptedCurrency } from './currencies.ts';
import { type Cashier, type CashierCommand, type CashierFacts, type CashierStep, decideCashier } from './cashier.ts';
import type { WireCashier } from './schemas.ts';
import { cashierToWire } from './wire.ts';
import type { CommandHead } from '../commands/decision.ts';
import type { CashierEvent } from '../commands/domain-events.ts';
import { type TransactionClient, violatedConstraint } from '../platform/database.ts';
import { isCashierInUse, isEmailTaken } from './lookups.ts';
import { cashierKind } from '../commands/entity-kinds.ts';
import type { Outcome, Plan } from '../commands/command.ts';
import { type TransactionDeps, carryOut } from '../commands/transaction.ts';

/** A command on its way to its transaction. */
export type CashierRequest<S extends CashierStep = CashierStep> = CashierCommand<S> & CommandHead;

/** What the caller of each step is told; null for an answer without content. */
export interface CashierAnswers {
  create: WireCashier;
  update: WireCashier;
  delete: null;
  acceptCurrency: AcceptedCurrency;
  dropCurrency: null;
}

export type CashierOutcome<S extends CashierStep> = Outcome<Cashier, CashierEvent, CashierAnswers[S]>;

/** Somebody was quicker: decided again, it comes out right. More often than this, it is a bug. */
const DECISIONS_MAX = 3;

/** Carries a command out, once. Rejects when the database failed (platform/database.ts), and then nothing was changed. */
export async function carryOutCashierCommand<S extends CashierStep>(
  deps: TransactionDeps,
  command: CashierRequest<S>,
): Promise<CashierOutcome<S>> {
  for (let decision = 1; ; decision += 1) {
    try {
      const [outcome] = await carryOut(deps, cashierPlan(command.step), [command as CashierRequest]);
      if (!outcome) throw new TypeError('A command came back without an outcome.');
      return outcome as CashierOutcome<S>;
    } catch (error) {
      if (decision === DECISIONS_MAX || violatedConstraint(error) === undefined) throw error;
    }
  }
}

type CashierPlan = Plan<Cashier, CashierEvent, CashierRequest, CashierFacts, CashierAnswers[CashierStep]>;

const cashierPlan = (step: CashierStep): CashierPlan => ({
  kind: cashierKind,
  step,
  entityId: ({ cashierId }) => cashierId,
  readFacts,
  decide: decideCashier,
  answer: answers[step] as CashierPlan['answer'],
});

const answers: { readonly [S in CashierStep]: (cashier: Cashier, command: CashierRequest<S>) => CashierAnswers[S] } = {
  create: cashierToWire,
  update: cashierToWire,
  delete: () => null,
  acceptCurrency: (_cashier, { body }) => body,
  dropCurrency: () => null,
};

async function readFacts(tx: TransactionClient, command: CashierRequest, state: Cashier | null): Promise<CashierFacts> {
  switch (command.step) {
    case 'create':
    case 'update': {
      const { email } = command.body;
      return email === undefined ? {} : { emailTaken: await isEmailTaken(tx, command, email) };
    }
    case 'delete':
      return state ? { inUse: await isCashierInUse(tx, command) } : {};
    case 'acceptCurrency':
    case 'dropCurrency':
      return {};
  }
}
