/**
 * What a step means. `decide` is the only place that knows it.
 *
 * Always true:
 * 1. Pure: the same state, command and facts give the same decision. No clock: `acceptedAt` is the instant at which
 *    the command was accepted, and travels in it.
 * 2. Checks run in this order: exists, payment reference, If-Match, transition, business rules (docs/rules.md).
 * 3. A refusal changes nothing.
 */
import { amountMessage, parseAmount } from '../values/amount.ts';
import { acceptsCurrency, type AcceptedCurrency } from '../cashiers/currencies.ts';
import { addDays, dateOf, yearsBefore } from '../values/dates.ts';
import { type Decision, accepted, refused } from '../commands/decision.ts';
import type { InvoiceEvent } from '../commands/domain-events.ts';
import { type FieldError, type Refusal, invalidFields, refusal } from '../commands/refusal.ts';
import { type Action, type Status, type Step, type TimedStep, allowedActions, lifecycle } from './lifecycle.ts';
import { CURRENCY_MESSAGE, exponentOf, formatAmount } from '../values/money.ts';
import { overdueBegins, reminderPolicy } from './timers.ts';

export const PAYMENT_TERM_DAYS = 30;
const RECEIVED_AT_TOLERANCE_MS = 5 * 60 * 1000;
const RECEIVED_AT_YEARS_MAX = 10;

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
  /** When overdue begins, or began; set by finalize. */
  overdueAt: string | null;
  /** When InvoiceOverdue was recorded. */
  overdueToldAt: string | null;
  /** The number of the latest reminder that was recorded; 0 before the first. */
  remindersSent: number;
}

export interface CreateBody {
  name: string;
  amountMinor: number;
  currency: string;
  customerReference: string | null;
  dueDate: string | null;
  cashierId: string | null;
}

/** Absent members are unchanged. */
export interface UpdateBody extends Partial<CreateBody> {
  /** A decimal as it was sent without a currency, in place of `amountMinor`: only the invoice tells what it is in. */
  amount?: string;
}

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

/** What the commands of time carry: nothing, and which reminder it is. */
export interface ActionBodies extends StepBodies {
  overdue: Record<string, never>;
  remind: { number: number };
}

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
  /** The cashier that the invoice would have after the step; null when there is none with this id. */
  cashier?: { currencies: readonly AcceptedCurrency[] } | null;
  /** For tests: overdue begins so long after finalizing, instead of after the due date. */
  overdueAfterMs?: number;
}

export type InvoiceDecision = Decision<Invoice, InvoiceEvent>;

/**
 * Decides a command against the state of its invoice (null when there is none).
 * A finalized invoice comes back without its number: the transaction draws it, so that refusals leave no gap.
 */
export function decide<S extends Action>(
  state: Invoice | null,
  command: Command<S>,
  facts: Facts = {},
): InvoiceDecision {
  if (command.step === 'create') return decideCreate(state, command as Command<'create'>, facts);
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
  const step: Exclude<Action, 'create'> = command.step;
  switch (step) {
    case 'overdue':
    case 'remind':
      return decideTimed(state, command as Command<TimedStep>);
    case 'update':
      return decideStep(state, step, command, (next) => decideUpdate(next, command as Command<'update'>, facts));
    case 'finalize':
      return decideStep(state, step, command, (next) => decideFinalize(next, command as Command<'finalize'>, facts));
    case 'pay':
      return decideStep(state, step, command, (next) => decidePay(next, command as Command<'pay'>));
    case 'cancel':
      return decideStep(state, step, command, (next) => decideCancel(next, command as Command<'cancel'>));
  }
}

/** Refuses what the lifecycle does not allow; `then` decides the rest about the invoice as it would be. */
function decideStep(
  state: Invoice,
  step: Step,
  { acceptedAt }: Command,
  then: (next: Invoice) => InvoiceDecision,
): InvoiceDecision {
  const allowed = allowedActions(state.status);
  if (!allowed.includes(step)) return refused(notAllowed(state, step));
  return then({ ...state, status: lifecycle[step].to, version: state.version + 1, updatedAt: acceptedAt });
}

const notAllowed = ({ status }: Invoice, action: Action): Refusal =>
  refusal('transition_not_allowed', `An invoice that is ${status} cannot ${action}.`, {
    invoiceStatus: status,
    allowedActions: allowedActions(status),
  });

/** What time brings: a fact about a finalized invoice that leaves its version as it is (TIM-03). */
function decideTimed(state: Invoice, command: Command<TimedStep>): InvoiceDecision {
  if (state.status !== 'finalized') return refused(notAllowed(state, command.step));
  if (command.step === 'overdue') {
    if (state.overdueToldAt !== null) return { kind: 'replayed', state };
    return accepted({ ...state, overdueToldAt: command.acceptedAt }, { name: 'invoiceBecameOverdue' });
  }
  const { number } = (command as Command<'remind'>).body;
  if (number <= state.remindersSent) return { kind: 'replayed', state };
  return accepted(
    { ...state, remindersSent: number },
    { name: 'paymentReminderFellDue', reminder: number, reminders: reminderPolicy.max },
  );
}

export const invoiceNotFound = (invoiceId: string): Refusal =>
  refusal('invoice_not_found', `There is no invoice ${invoiceId}.`);

function decideCreate(state: Invoice | null, command: Command<'create'>, facts: Facts): InvoiceDecision {
  // The id is derived from the command key: an invoice under it means that this key was used for another create.
  if (state) return refused(refusal('idempotency_key_reused', 'The Idempotency-Key was used for another request.'));
  const { body, acceptedAt } = command;
  const wrong = [
    dueDateError(body.dueDate, acceptedAt),
    exponentOf(body.currency) === undefined ? unknownCurrency : undefined,
  ].filter(isThere);
  if (wrong.length > 0) return refused(invalidFields(wrong));
  const unfit = cashierRefusal(body, facts, acceptedAt);
  if (unfit) return refused(unfit);
  return accepted(
    {
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
      overdueAt: null,
      overdueToldAt: null,
      remindersSent: 0,
    },
    { name: 'invoiceCreated' },
  );
}

const isThere = (error: FieldError | undefined): error is FieldError => error !== undefined;

/** Only members that are present are checked: a cashier or a currency that was accepted stays accepted. */
function decideUpdate(next: Invoice, { body, acceptedAt }: Command<'update'>, facts: Facts): InvoiceDecision {
  const { amount: _sent, ...members } = body;
  const money = moneyAfter(next, body);
  const wrongDay = dueDateError(body.dueDate ?? null, acceptedAt);
  if ('error' in money) return refused(invalidFields([wrongDay, money.error].filter(isThere)));
  if (wrongDay) return refused(invalidFields([wrongDay]));
  const after = { ...next, ...members, ...money };
  const unfit = touchesCashier(body) ? cashierRefusal(after, facts, acceptedAt) : undefined;
  if (unfit) return refused(unfit);
  return accepted(after, { name: 'invoiceUpdated' });
}

/**
 * What the invoice costs after an update. An amount alone is in the invoice's currency. Under a currency alone the
 * decimal amount stays what it is, "1300.00", and must fit: it is never rounded, and loses no decimals.
 */
function moneyAfter(
  { amountMinor, currency: before }: Invoice,
  body: UpdateBody,
): { amountMinor: number; currency: string } | { error: FieldError } {
  const currency = body.currency ?? before;
  if (body.amountMinor === undefined && body.amount === undefined && currency === before)
    return { amountMinor, currency };
  const exponent = exponentOf(currency);
  if (exponent === undefined) return { error: unknownCurrency };
  if (body.amountMinor !== undefined) return { amountMinor: body.amountMinor, currency };
  const amount = body.amount ?? formatAmount(amountMinor, before);
  const parsed = parseAmount(amount, exponent);
  if (!('error' in parsed)) return { amountMinor: parsed.amountMinor, currency };
  const message = amountMessage(parsed.error, exponent);
  return {
    error: {
      path: 'amount',
      code: parsed.error,
      message: body.amount === undefined ? `is ${amount}, which does not fit ${currency}: ${message}` : message,
    },
  };
}

/** Does the command say something about the cashier or the currency, so that the one must accept the other? */
export const touchesCashier = (body: UpdateBody): boolean =>
  body.cashierId !== undefined || body.currency !== undefined;

function decideFinalize(next: Invoice, { acceptedAt }: Command<'finalize'>, facts: Facts): InvoiceDecision {
  const dueDate = next.dueDate ?? addDays(dateOf(acceptedAt), PAYMENT_TERM_DAYS);
  const overdueAt =
    facts.overdueAfterMs === undefined
      ? overdueBegins(dueDate)
      : new Date(Date.parse(acceptedAt) + facts.overdueAfterMs).toISOString();
  return accepted({ ...next, finalizedAt: acceptedAt, dueDate, overdueAt }, { name: 'invoiceFinalized' });
}

/** A reference that was used before is the same payment again, or somebody else's (INV-41). */
function decideKnownReference(
  state: Invoice,
  { body }: Command<'pay'>,
  known: Payment | null,
): InvoiceDecision | undefined {
  if (!known) return undefined;
  const same =
    known.invoiceId === state.id && known.amountMinor === body.amountMinor && known.currency === body.currency;
  return same
    ? { kind: 'replayed', state }
    : refused(
        refusal('payment_reference_used', `The payment reference "${body.reference}" belongs to another payment.`),
      );
}

function decidePay(next: Invoice, { body, acceptedAt }: Command<'pay'>): InvoiceDecision {
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
  const wrong = receivedAtError(body.receivedAt, acceptedAt);
  if (wrong) return refused(invalidFields([wrong]));
  // As instants are written everywhere, whatever offset the sender has.
  const receivedAt = new Date(body.receivedAt ?? acceptedAt).toISOString();
  return accepted(
    { ...next, amountPaidMinor: next.amountMinor, paidAt: receivedAt },
    { name: 'invoicePaid', payment: { ...body, invoiceId: next.id, receivedAt } },
  );
}

function decideCancel(next: Invoice, { body, acceptedAt }: Command<'cancel'>): InvoiceDecision {
  const after = { ...next, cancelledAt: acceptedAt, cancelReason: body.reason };
  return accepted(after, { name: 'invoiceCancelled', reason: body.reason });
}

const unknownCurrency: FieldError = { path: 'currency', code: 'unknown_currency', message: CURRENCY_MESSAGE };

/** A payment has been received by now, whatever the clocks say, and not before the last ten years (INV-40). */
function receivedAtError(receivedAt: string | null, acceptedAt: string): FieldError | undefined {
  if (receivedAt === null) return undefined;
  const earliest = yearsBefore(dateOf(acceptedAt), RECEIVED_AT_YEARS_MAX);
  if (dateOf(receivedAt) < earliest) {
    const message = `must not be more than ${RECEIVED_AT_YEARS_MAX} years before today, ${dateOf(acceptedAt)} (UTC)`;
    return { path: 'receivedAt', code: 'too_long_ago', message };
  }
  if (Date.parse(receivedAt) <= Date.parse(acceptedAt) + RECEIVED_AT_TOLERANCE_MS) return undefined;
  return { path: 'receivedAt', code: 'in_the_future', message: 'must not be more than five minutes in the future' };
}

/** The due date must not lie before the day on which the command was accepted (INV-04). */
export function dueDateError(dueDate: string | null, acceptedAt: string): FieldError | undefined {
  if (dueDate === null || dueDate >= dateOf(acceptedAt)) return undefined;
  return { path: 'dueDate', code: 'in_the_past', message: `must not be before today, ${dateOf(acceptedAt)} (UTC)` };
}

/** Why the cashier that an invoice names cannot collect its money, if so (INV-04, CSH-04). */
function cashierRefusal(
  { cashierId, currency }: { cashierId: string | null; currency: string },
  { cashier }: Facts,
  acceptedAt: string,
): Refusal | undefined {
  if (cashierId === null) return undefined;
  if (!cashier) return refusal('unknown_cashier', `There is no cashier ${cashierId}.`);
  if (acceptsCurrency(cashier.currencies, currency, dateOf(acceptedAt))) return undefined;
  return refusal('currency_not_accepted', `The cashier does not accept ${currency} on ${dateOf(acceptedAt)}.`);
}

/** What is still to be paid, in minor units; nothing once the invoice is cancelled. */
export const openAmountMinor = ({ status, amountMinor, amountPaidMinor }: Invoice): number =>
  status === 'cancelled' ? 0 : amountMinor - amountPaidMinor;

/** Finalized, unpaid, and overdue has begun (TIM-01). */
export const isOverdue = ({ status, overdueAt }: Invoice, now: string): boolean =>
  status === 'finalized' && overdueAt !== null && overdueAt <= now;

/** `INV-2026-000042` */
export const formatInvoiceNumber = (year: number, n: number): string => `INV-${year}-${String(n).padStart(6, '0')}`;
