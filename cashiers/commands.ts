/**
 * Commands about cashiers. They need no workflow: nothing happens to a cashier later, so each is one plain transaction
 * of the process that was asked.
 */
import { z } from 'zod';
import type { CommandDefinition, Outcome, PublishedEvent } from '../commands/command.ts';
import type { CommandHead } from '../commands/decision.ts';
import { type TransactionDeps, carryOut } from '../commands/transaction.ts';
import type { EventDefinition } from '../messaging/event.ts';
import { type TransactionClient, violatedConstraint } from '../platform/database.ts';
import { type CashierCommand, type CashierLookups, type CashierStep, decideCashier } from './cashier.ts';
import type { AcceptedCurrency } from './currencies.ts';
import { cashierEntity } from './entity.ts';
import { isCashierInUse, isEmailTaken } from './lookups.ts';
import { type Cashier, type WireCashier, cashierSchema, cashierToWire } from './members.ts';

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

export type CashierOutcome<S extends CashierStep> = Outcome<Cashier, CashierAnswers[S]>;

/** Somebody was quicker: decided again, it comes out right. More often than this, it is a bug. */
const DECISIONS_MAX = 3;

/** Carries a command out, once. Rejects when the database failed (platform/database.ts), and then nothing was changed. */
export async function carryOutCashierCommand<S extends CashierStep>(
  deps: TransactionDeps,
  command: CashierRequest<S>,
): Promise<CashierOutcome<S>> {
  for (let decision = 1; ; decision += 1) {
    try {
      const [outcome] = await carryOut(deps, cashierCommandOf(command.step), [command as CashierRequest]);
      if (!outcome) throw new TypeError('A command came back without an outcome.');
      return outcome as CashierOutcome<S>;
    } catch (error) {
      if (decision === DECISIONS_MAX || violatedConstraint(error) === undefined) throw error;
    }
  }
}

type Definition = CommandDefinition<Cashier, CashierRequest, CashierLookups, CashierAnswers[CashierStep]>;
type Published = PublishedEvent<Cashier, CashierRequest>;

export const cashierCommandOf = (step: CashierStep): Definition => ({
  entity: cashierEntity,
  step,
  entityId: ({ cashierId }) => cashierId,
  lookUp,
  decide: decideCashier,
  answer: answers[step] as Definition['answer'],
  events: published[step] ?? [],
});

const answers: { readonly [S in CashierStep]: (cashier: Cashier, command: CashierRequest<S>) => CashierAnswers[S] } = {
  create: cashierToWire,
  update: cashierToWire,
  delete: () => null,
  acceptCurrency: (_cashier, { body }) => body,
  dropCurrency: () => null,
};

async function lookUp(tx: TransactionClient, command: CashierRequest, state: Cashier | null): Promise<CashierLookups> {
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

/** What all events of a cashier have in common: its topic, its key, its subject. */
const ofCashier = {
  entity: 'Cashier',
  version: 1,
  scope: 'public',
  key: ['tenantId', 'cashierId'],
  subject: 'cashierId',
} as const;

const snapshot = (name: string, description: string): Published => ({
  definition: {
    ...ofCashier,
    name,
    description,
    schema: () => z.strictObject({ tenantId: z.guid(), cashier: cashierSchema }),
  },
  data: ({ state }) => ({ tenantId: state.tenantId, cashier: cashierToWire(state) }),
});

/** Of the currencies, which subscribers do not see, nothing is told. */
const published: { readonly [S in CashierStep]?: readonly Published[] } = {
  create: [snapshot('CashierCreated', 'A cashier was added.')],
  update: [snapshot('CashierUpdated', 'A cashier was changed; the cashier is whole.')],
  delete: [
    {
      definition: {
        ...ofCashier,
        name: 'CashierDeleted',
        description: 'A cashier without invoices was removed.',
        schema: () => z.strictObject({ tenantId: z.guid(), cashierId: z.guid(), deletedAt: z.iso.datetime() }),
      },
      data: ({ state: { tenantId, id }, command }) => ({ tenantId, cashierId: id, deletedAt: command.acceptedAt }),
    },
  ],
};

/** Every event that tells of a cashier. */
export const cashierEvents: readonly EventDefinition[] = Object.values(published).flatMap((events) =>
  events.map(({ definition }) => definition),
);
