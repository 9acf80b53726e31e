/**
 * What a step of a cashier means: pure, like the decisions about invoices (invoices/invoice.ts), with the same order of
 * checks: exists, If-Match, business rules (docs/rules.md).
 *
 * The currencies are a sub-resource: changing them moves neither the version nor `updatedAt`, because the cashier that
 * callers and subscribers see does not carry them. They are audited all the same.
 */
import type { AcceptedCurrency } from './currencies.ts';
import { type Decision, accepted, refused } from '../commands/decision.ts';
import type { CashierEvent } from '../commands/domain-events.ts';
import { type Refusal, refusal } from '../commands/refusal.ts';

/** A cashier as Postgres holds it. `email` keeps its case; in the tenant it is unique in any case. */
export interface Cashier {
  tenantId: string;
  id: string;
  name: string;
  email: string;
  version: number;
  createdAt: string;
  updatedAt: string;
  /** Sorted by code. */
  currencies: readonly AcceptedCurrency[];
}

export interface CashierBodies {
  create: { name: string; email: string };
  /** Absent members are unchanged. */
  update: { name?: string | undefined; email?: string | undefined };
  delete: Record<string, never>;
  acceptCurrency: AcceptedCurrency;
  dropCurrency: { currency: string };
}

export type CashierStep = keyof CashierBodies;

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

/** What the decision needs beside the cashier itself. */
export interface CashierFacts {
  /** Does another cashier of the tenant have the command's e-mail address, in any case? */
  emailTaken?: boolean;
  /** Does any invoice name the cashier? */
  inUse?: boolean;
}

export type CashierDecision = Decision<Cashier, CashierEvent>;

/** Decides a command against the state of its cashier (null when there is none). */
export function decideCashier(
  state: Cashier | null,
  command: CashierCommand,
  facts: CashierFacts = {},
): CashierDecision {
  if (command.step === 'create') return decideCreate(state, command, facts);
  if (!state) return refused(cashierNotFound(command.cashierId));
  if (command.expectedVersion !== null && command.expectedVersion !== state.version) {
    return refused(versionConflict(state, command.expectedVersion));
  }
  switch (command.step) {
    case 'update':
      return decideUpdate(state, command, facts);
    case 'delete':
      return decideDelete(state, command, facts);
    case 'acceptCurrency':
      return decideAcceptCurrency(state, command);
    case 'dropCurrency':
      return decideDropCurrency(state, command);
  }
}

function decideCreate(
  state: Cashier | null,
  { tenantId, cashierId, acceptedAt, body }: CashierCommand<'create'>,
  { emailTaken: taken }: CashierFacts,
): CashierDecision {
  // The id is derived from the command key: a cashier under it means that this key was used for another create.
  if (state) return refused(refusal('idempotency_key_reused', 'The Idempotency-Key was used for another request.'));
  if (taken) return refused(emailTaken());
  return accepted(
    {
      tenantId,
      id: cashierId,
      name: body.name,
      email: body.email,
      version: 1,
      createdAt: acceptedAt,
      updatedAt: acceptedAt,
      currencies: [],
    },
    { name: 'cashierCreated' },
  );
}

function decideUpdate(
  state: Cashier,
  { body, acceptedAt }: CashierCommand<'update'>,
  { emailTaken: taken }: CashierFacts,
): CashierDecision {
  if (body.email !== undefined && taken) return refused(emailTaken());
  const { name = state.name, email = state.email } = body;
  return accepted({ ...nextVersion(state, acceptedAt), name, email }, { name: 'cashierUpdated' });
}

function decideDelete(
  state: Cashier,
  { acceptedAt }: CashierCommand<'delete'>,
  { inUse }: CashierFacts,
): CashierDecision {
  if (inUse) return refused(refusal('cashier_in_use', 'The cashier has invoices, so it cannot be deleted.'));
  return accepted(nextVersion(state, acceptedAt), { name: 'cashierDeleted', deletedAt: acceptedAt });
}

const nextVersion = (state: Cashier, acceptedAt: string): Cashier => ({
  ...state,
  version: state.version + 1,
  updatedAt: acceptedAt,
});

/** Listed already, the currency is accepted from the new day on. */
function decideAcceptCurrency(state: Cashier, { body }: CashierCommand<'acceptCurrency'>): CashierDecision {
  const { currency, effectiveFrom } = body;
  const currencies = [...without(state, currency), { currency, effectiveFrom }].toSorted((a, b) =>
    a.currency < b.currency ? -1 : 1,
  );
  return accepted({ ...state, currencies }, { name: 'currencyAccepted', currency, effectiveFrom });
}

/** Dropping what is not listed has been done before, as DELETE is in HTTP. */
function decideDropCurrency(state: Cashier, { body: { currency } }: CashierCommand<'dropCurrency'>): CashierDecision {
  const currencies = without(state, currency);
  if (currencies.length === state.currencies.length) return { kind: 'replayed', state };
  return accepted({ ...state, currencies }, { name: 'currencyDropped', currency });
}

const without = ({ currencies }: Cashier, dropped: string): AcceptedCurrency[] =>
  currencies.filter(({ currency }) => currency !== dropped);

export const cashierNotFound = (cashierId: string): Refusal =>
  refusal('cashier_not_found', `There is no cashier ${cashierId}.`);

export const emailTaken = (): Refusal =>
  refusal('email_taken', 'Another cashier of the tenant has this e-mail address.');

const versionConflict = ({ version }: Cashier, expected: number): Refusal =>
  refusal('version_conflict', `The cashier is at version ${version}, the request expects version ${expected}.`, {
    currentVersion: version,
  });
