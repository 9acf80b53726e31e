import { z } from 'zod';
import type { Occurrence } from '../../commands/command.ts';
import { accepted, refused } from '../../commands/decision.ts';
import { type FieldError, invalidFields, refusal } from '../../commands/refusal.ts';
import { dateOf, yearsBefore } from '../../values/dates.ts';
import { formatAmount } from '../../values/money.ts';
import { amount, currency, instant, oneLine } from '../../values/schema.ts';
import { invoiceTexts } from '../../values/text.ts';
import { minorUnitsOf, withAmount } from '../fields.ts';
import type { InvoiceFields } from '../members.ts';
import { paymentSchema, paymentToWire } from '../payment.ts';
import { type InvoiceCommand, defineStep } from '../step.ts';

const RECEIVED_AT_TOLERANCE_MS = 5 * 60 * 1000;
const RECEIVED_AT_YEARS_MAX = 10;

export interface PayBody {
  amountMinor: number;
  currency: string;
  method: string;
  reference: string;
  receivedAt: string | null;
}

/** INV-40: the whole open amount of a finalized invoice was paid; the payment is recorded with it (INV-42). */
export const pay = defineStep({
  from: ['finalized'],
  to: ['paid'],
  pastTense: 'paid',
  activity: 'payInvoice',
  summary: 'Record the payment of a finalized invoice',
  description: 'The amount must be what is open. A reference that was used for the same payment is answered again.',
  examples: {
    transfer: { amount: '1200.00', currency: 'EUR', method: 'bank transfer', reference: 'PAY-2026-000812' },
  },
  body: () =>
    withAmount(
      z.strictObject({
        amount: amount(),
        currency: currency(),
        method: oneLine(...invoiceTexts.method).meta({ example: 'bank transfer' }),
        reference: oneLine(...invoiceTexts.reference).meta({
          description: 'The payment’s own id, unique in the tenant',
          example: 'PAY-2026-000812',
        }),
        receivedAt: instant()
          .nullish()
          .meta({ description: 'When the money arrived, at most ten years ago; now when absent' }),
      }),
    ).transform((body): PayBody => ({
      amountMinor: minorUnitsOf(body),
      currency: body.currency,
      method: body.method,
      reference: body.reference,
      receivedAt: body.receivedAt ?? null,
    })),
  refusals: {
    payment_reference_used: { status: 409, title: 'The payment reference belongs to another payment' },
    currency_mismatch: { status: 422, title: 'The payment has another currency' },
    payment_below_amount: { status: 422, title: 'The payment is too small' },
    payment_above_amount: { status: 422, title: 'The payment is too large' },
  },
  lookUp: async ({ body }, _invoice, port) => ({
    paymentWithReference: await port.paymentWithReference(body.reference),
  }),
  // A reference that was used before is the same payment again, or somebody else's (INV-41).
  known: ({ id }, { body }, { paymentWithReference: known }) => {
    if (!known) return undefined;
    const { invoiceId, amountMinor, currency: code } = known;
    return invoiceId === id && amountMinor === body.amountMinor && code === body.currency
      ? { kind: 'replayed' }
      : refused(
          refusal('payment_reference_used', `The payment reference "${body.reference}" belongs to another payment.`),
        );
  },
  decide: (next, { body, acceptedAt }) => {
    const openMinor = next.amountMinor - next.amountPaidMinor;
    const open = `${formatAmount(openMinor, next.currency)} ${next.currency}`;
    if (body.currency !== next.currency)
      return refused(
        refusal('currency_mismatch', `The invoice is in ${next.currency}, the payment in ${body.currency}.`),
      );
    if (body.amountMinor < openMinor)
      return refused(refusal('payment_below_amount', `The payment is less than what is open: ${open}.`));
    if (body.amountMinor > openMinor)
      return refused(refusal('payment_above_amount', `The payment is more than what is open: ${open}.`));
    const wrong = receivedAtError(body.receivedAt, acceptedAt);
    if (wrong) return refused(invalidFields([wrong]));
    return accepted({ ...next, amountPaidMinor: next.amountMinor, paidAt: receivedAtOf({ body, acceptedAt }) });
  },
  rows: ({ state, command, newId }) => {
    const { tenantId, id: invoiceId, cashierId } = state;
    const { reference, method } = command.body;
    const payment = {
      tenant_id: tenantId,
      invoice_id: invoiceId,
      amount_minor: command.body.amountMinor,
      currency: command.body.currency,
      method,
      reference,
      received_at: receivedAtOf(command),
      recorded_at: command.acceptedAt,
    };
    const id = newId();
    return {
      payments: [{ ...payment, id }],
      // The payment as one of the invoice's cashier, when it has one (INV-43).
      cashier_payments: cashierId === null ? [] : [{ ...payment, payment_id: id, cashier_id: cashierId }],
    };
  },
  event: {
    name: 'InvoicePaid',
    description: 'A finalized invoice was paid in full.',
    more: () => ({ payment: paymentSchema() }),
    data: ({ command }: Occurrence<InvoiceFields, InvoiceCommand<PayBody>>) => ({
      payment: paymentToWire({ ...command.body, receivedAt: receivedAtOf(command) }),
    }),
  },
});

/** As instants are written everywhere, whatever offset the sender has. */
const receivedAtOf = ({ body, acceptedAt }: { body: PayBody; acceptedAt: string }): string =>
  new Date(body.receivedAt ?? acceptedAt).toISOString();

/** A payment has been received by now, whatever the clocks say, and not before the last ten years (INV-40). */
function receivedAtError(receivedAt: string | null, acceptedAt: string): FieldError | undefined {
  if (receivedAt === null) return undefined;
  const today = dateOf(acceptedAt);
  if (dateOf(receivedAt) < yearsBefore(today, RECEIVED_AT_YEARS_MAX)) {
    const message = `must not be more than ${RECEIVED_AT_YEARS_MAX} years before today, ${today} (UTC)`;
    return { path: 'receivedAt', code: 'too_long_ago', message };
  }
  if (Date.parse(receivedAt) <= Date.parse(acceptedAt) + RECEIVED_AT_TOLERANCE_MS) return undefined;
  return { path: 'receivedAt', code: 'in_the_future', message: 'must not be more than five minutes in the future' };
}
