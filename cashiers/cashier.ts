/**
 * What a step of a cashier means: pure, like the steps of invoices, with the same order of checks: exists, If-Match,
 * business rules (docs/rules.md).
 *
 * The currencies are a sub-resource: changing them moves neither the version nor `updatedAt`, because the cashier that
 * callers and subscribers see does not carry them. They are audited all the same.
 */
import { type Decision, accepted, refused } from '../commands/decision.ts';
import { initialOf } from '../commands/members.ts';
import { type CommonCode, type Refusals, keyReused, refusal, versionConflict } from '../commands/refusal.ts';
import type { AcceptedCurrency } from './currencies.ts';
import { type Cashier, cashierMembers } from './members.ts';

export const cashierRefusals = {
  cashier_not_found: { status: 404, title: 'Cashier not found' },
  email_taken: { status: 409, title: 'The e-mail address belongs to another cashier' },
  cashier_in_use: { status: 409, title: 'The cashier has invoices' },
} as const satisfies Refusals;

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

/** What a decision needs beside the cashier itself. */
export interface CashierLookups {
  /** Does another cashier of the tenant have the command's e-mail address, in any case? */
  emailTaken?: boolean;
  /** Does any invoice name the cashier? */
  inUse?: boolean;
}

export type CashierDecision = Decision<Cashier, keyof typeof cashierRefusals | CommonCode>;

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
  switch (command.step) {
    case 'update':
      return decideUpdate(state, command, lookups);
    case 'delete':
      return decideDelete(state, command, lookups);
    case 'acceptCurrency':
      return decideAcceptCurrency(state, command);
    case 'dropCurrency':
      return decideDropCurrency(state, command);
  }
}

function decideCreate(
  state: Cashier | null,
  { tenantId, cashierId, acceptedAt, body }: CashierCommand<'create'>,
  { emailTaken: taken }: CashierLookups,
): CashierDecision {
  // The id is derived from the command key: a cashier under it means that this key was used for another create.
  if (state) return refused(keyReused());
  if (taken) return refused(emailTaken());
  return accepted<Cashier>({
    ...initialOf(cashierMembers),
    tenantId,
    id: cashierId,
    name: body.name,
    email: body.email,
    createdAt: acceptedAt,
    updatedAt: acceptedAt,
    currencies: [],
  });
}

function decideUpdate(
  state: Cashier,
  { body, acceptedAt }: CashierCommand<'update'>,
  { emailTaken: taken }: CashierLookups,
): CashierDecision {
  if (body.email !== undefined && taken) return refused(emailTaken());
  const { name = state.name, email = state.email } = body;
  return accepted({ ...nextVersion(state, acceptedAt), name, email });
}

const decideDelete = (
  state: Cashier,
  { acceptedAt }: CashierCommand<'delete'>,
  { inUse }: CashierLookups,
): CashierDecision =>
  inUse
    ? refused(refusal('cashier_in_use', 'The cashier has invoices, so it cannot be deleted.'))
    : accepted(nextVersion(state, acceptedAt), { removed: true });

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
  return accepted({ ...state, currencies });
}

/** Dropping what is not listed has been done before, as DELETE is in HTTP. */
function decideDropCurrency(state: Cashier, { body: { currency } }: CashierCommand<'dropCurrency'>): CashierDecision {
  const currencies = without(state, currency);
  return currencies.length === state.currencies.length
    ? { kind: 'replayed', state }
    : accepted({ ...state, currencies });
}

const without = ({ currencies }: Cashier, dropped: string): AcceptedCurrency[] =>
  currencies.filter(({ currency }) => currency !== dropped);

export const cashierNotFound = (cashierId: string) => refusal('cashier_not_found', `There is no cashier ${cashierId}.`);

export const emailTaken = () => refusal('email_taken', 'Another cashier of the tenant has this e-mail address.');
