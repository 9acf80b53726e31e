/**
 * What a step means. `decide` is the only place that knows it.
 *
 * Always true:
 * 1. Pure: the same state, command and facts give the same decision. No clock: `acceptedAt` is the instant at which
 *    the command was accepted, and travels in it.
 * 2. Checks run in this order: exists, payment reference, If-Match, transition, business rules (docs/rules.md).
 * 3. A refusal changes nothing.
 */
import { addDays, dateOf } from './dates.ts';
import { type FieldError, type Refusal, invalidFields, refusal } from './errors.ts';
import { type Status, type Step, allowedActions, lifecycle } from './lifecycle.ts';
import { formatAmount } from './money.ts';

export const PAYMENT_TERM_DAYS = 30;
const RECEIVED_AT_TOLERANCE_MS = 5 * 60 * 1000;

/** An invoice as Postgres holds it. Instants are RFC 3339 UTC, dates YYYY-MM-DD, amounts minor units. */
export interface Invoice {
  tenantId: string;
  id: string;
  name: string;
  customerReference: string | null;
  status: Status;
  amountMinor: number;
  currency: string;
  dueDate: string | null;
  cashierId: string | null;
  number: string | null;
  amountPaidMinor: number;
  paidAt: string | null;
  finalizedAt: string | null;
  cancelledAt: string | null;
  cancelReason: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
}

export interface CreateBody {
  name: string;
  amountMinor: number;
  currency: string;
  customerReference: string | null;
  dueDate: string | null;
  cashierId: string | null;
}

/** Absent members are unchanged; amount and currency come together. */
export type UpdateBody = Partial<CreateBody>;

export interface PayBody {
  amountMinor: number;
  currency: string;
  method: string;
  reference: string;
  receivedAt: string | null;
}

export interface CancelBody {
  reason: string | null;
}

export interface StepBodies {
  create: CreateBody;
  update: UpdateBody;
  finalize: Record<string, never>;
  pay: PayBody;
  cancel: CancelBody;
}

/** A command as the rules see it. */
export interface Command<S extends Step = Step> {
  step: S;
  tenantId: string;
  invoiceId: string;
  acceptedAt: string;
  /** The version the caller saw (If-Match), or null to act on whatever is current. */
  expectedVersion: number | null;
  body: StepBodies[S];
}

/** A payment as it is recorded. `reference` is unique in the tenant. */
export interface Payment {
  invoiceId: string;
  amountMinor: number;
  currency: string;
  method: string;
  reference: string;
  receivedAt: string;
}

/** What the decision needs beside the invoice itself. */
export interface Facts {
  /** The payment of this tenant that already has the command's reference. */
  paymentWithReference?: Payment | null;
}

export type Decision =
  | { kind: 'accepted'; invoice: Invoice; payment: Payment | null; reason: string | null }
  | { kind: 'replayed'; invoice: Invoice }
  | { kind: 'refused'; refusal: Refusal };

const refused = (because: Refusal): Decision => ({ kind: 'refused', refusal: because });
const accepted = (invoice: Invoice, extra: { payment?: Payment; reason?: string | null } = {}): Decision => ({
  kind: 'accepted',
  invoice,
  payment: extra.payment ?? null,
  reason: extra.reason ?? null,
});

/**
 * Decides a command against the state of its invoice (null when there is none).
 * A finalized invoice comes back without its number: the transaction draws it, so that refusals leave no gap.
 */
export function decide<S extends Step>(state: Invoice | null, command: Command<S>, facts: Facts = {}): Decision {
  if (command.step === 'create') return decideCreate(state, command as Command<'create'>);
  if (!state) return refused(invoiceNotFound(command.invoiceId));
  if (command.step === 'pay') {
    const known = decideKnownReference(state, command as Command<'pay'>, facts.paymentWithReference ?? null);
    if (known) return known;
  }
  if (command.expectedVersion !== null && command.expectedVersion !== state.version) {
    return refused(
      refusal(
        'version_conflict',
        `The invoice is at version ${state.version}, the request expects version ${command.expectedVersion}.`,
        { currentVersion: state.version },
      ),
    );
  }
  const allowed = allowedActions(state.status);
  if (!allowed.includes(command.step)) {
    return refused(
      refusal('transition_not_allowed', `An invoice that is ${state.status} cannot ${command.step}.`, {
        invoiceStatus: state.status,
        allowedActions: allowed,
      }),
    );
  }
  const next: Invoice = {
    ...state,
    status: lifecycle[command.step].to,
    version: state.version + 1,
    updatedAt: command.acceptedAt,
  };
  const step: Exclude<Step, 'create'> = command.step;
  switch (step) {
    case 'update':
      return decideUpdate(next, command as Command<'update'>);
    case 'finalize':
      return decideFinalize(next, command as Command<'finalize'>);
    case 'pay':
      return decidePay(next, command as Command<'pay'>);
    case 'cancel':
      return decideCancel(next, command as Command<'cancel'>);
  }
}

export const invoiceNotFound = (invoiceId: string): Refusal =>
  refusal('invoice_not_found', `There is no invoice ${invoiceId}.`);

function decideCreate(state: Invoice | null, command: Command<'create'>): Decision {
  // The id is derived from the command key: an invoice under it means that this key was used for another create.
  if (state) return refused(refusal('idempotency_key_reused', 'The Idempotency-Key was used for another request.'));
  const { body, acceptedAt } = command;
  const wrong = dueDateError(body.dueDate, acceptedAt);
  if (wrong) return refused(invalidFields([wrong]));
  if (body.cashierId !== null) return refused(unknownCashier(body.cashierId));
  return accepted({
    tenantId: command.tenantId,
    id: command.invoiceId,
    status: 'draft',
    ...body,
    number: null,
    amountPaidMinor: 0,
    paidAt: null,
    finalizedAt: null,
    cancelledAt: null,
    cancelReason: null,
    version: 1,
    createdAt: acceptedAt,
    updatedAt: acceptedAt,
  });
}

function decideUpdate(next: Invoice, { body, acceptedAt }: Command<'update'>): Decision {
  const wrong = dueDateError(body.dueDate ?? null, acceptedAt);
  if (wrong) return refused(invalidFields([wrong]));
  if (body.cashierId) return refused(unknownCashier(body.cashierId));
  return accepted({ ...next, ...body });
}

function decideFinalize(next: Invoice, { acceptedAt }: Command<'finalize'>): Decision {
  return accepted({
    ...next,
    finalizedAt: acceptedAt,
    dueDate: next.dueDate ?? addDays(dateOf(acceptedAt), PAYMENT_TERM_DAYS),
  });
}

/** A reference that was used before is the same payment again, or somebody else's (INV-41). */
function decideKnownReference(state: Invoice, { body }: Command<'pay'>, known: Payment | null): Decision | undefined {
  if (!known) return undefined;
  const same =
    known.invoiceId === state.id && known.amountMinor === body.amountMinor && known.currency === body.currency;
  return same
    ? { kind: 'replayed', invoice: state }
    : refused(
        refusal('payment_reference_used', `The payment reference "${body.reference}" belongs to another payment.`),
      );
}

function decidePay(next: Invoice, { body, acceptedAt }: Command<'pay'>): Decision {
  const openMinor = next.amountMinor - next.amountPaidMinor;
  const open = `${formatAmount(openMinor, next.currency)} ${next.currency}`;
  if (body.currency !== next.currency) {
    return refused(
      refusal('currency_mismatch', `The invoice is in ${next.currency}, the payment in ${body.currency}.`),
    );
  }
  if (body.amountMinor < openMinor) {
    return refused(refusal('payment_below_amount', `The payment is less than what is open: ${open}.`));
  }
  if (body.amountMinor > openMinor) {
    return refused(refusal('payment_above_amount', `The payment is more than what is open: ${open}.`));
  }
  if (body.receivedAt !== null && Date.parse(body.receivedAt) > Date.parse(acceptedAt) + RECEIVED_AT_TOLERANCE_MS) {
    const message = 'must not be more than five minutes in the future';
    return refused(invalidFields([{ path: 'receivedAt', code: 'in_the_future', message }]));
  }
  const receivedAt = body.receivedAt ?? acceptedAt;
  return accepted(
    { ...next, amountPaidMinor: next.amountMinor, paidAt: receivedAt },
    { payment: { ...body, invoiceId: next.id, receivedAt } },
  );
}

function decideCancel(next: Invoice, { body, acceptedAt }: Command<'cancel'>): Decision {
  return accepted({ ...next, cancelledAt: acceptedAt, cancelReason: body.reason }, { reason: body.reason });
}

/** The due date must not lie before the day on which the command was accepted (INV-04). */
export function dueDateError(dueDate: string | null, acceptedAt: string): FieldError | undefined {
  if (dueDate === null || dueDate >= dateOf(acceptedAt)) return undefined;
  return { path: 'dueDate', code: 'in_the_past', message: `must not be before today, ${dateOf(acceptedAt)} (UTC)` };
}

const unknownCashier = (cashierId: string): Refusal => refusal('unknown_cashier', `There is no cashier ${cashierId}.`);

/** What is still to be paid, in minor units; nothing once the invoice is cancelled. */
export const openAmountMinor = ({ status, amountMinor, amountPaidMinor }: Invoice): number =>
  status === 'cancelled' ? 0 : amountMinor - amountPaidMinor;

/** Finalized, unpaid, and the due date is over (TIM-01). */
export const isOverdue = (invoice: Invoice, now: string): boolean =>
  invoice.status === 'finalized' && invoice.dueDate !== null && invoice.dueDate < dateOf(now);

/** `INV-2026-000042` */
export const formatInvoiceNumber = (year: number, n: number): string => `INV-${year}-${String(n).padStart(6, '0')}`;
