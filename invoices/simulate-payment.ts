/** A payment as a gateway would announce it on Kafka: for trying things out, never in production (PAY-01). */
import { type CommandHead, accepted, refused } from '../commands/decision.ts';
import type { InvoiceEvent } from '../commands/domain-events.ts';
import { type Invoice, type PayBody, invoiceNotFound } from './invoice.ts';
import { formatAmount } from '../values/money.ts';
import { invoiceKind } from '../commands/entity-kinds.ts';
import type { Plan } from '../commands/command.ts';

export interface SimulatePayment extends CommandHead {
  invoiceId: string;
  payment: PayBody;
}

/** What was announced. */
export interface SimulatedPayment {
  invoiceId: string;
  amount: string;
  currency: string;
  paymentMethod: string;
  paymentReference: string;
}

/** Whatever the invoice's status, so that refusals can be tried too. The invoice itself stays as it is. */
export const simulatePaymentPlan: Plan<Invoice, InvoiceEvent, SimulatePayment, void, SimulatedPayment> = {
  kind: invoiceKind,
  step: 'simulatePayment',
  entityId: ({ invoiceId }) => invoiceId,
  decide: (invoice, { invoiceId, payment }) =>
    invoice ? accepted(invoice, { name: 'paymentSimulated', payment }) : refused(invoiceNotFound(invoiceId)),
  answer: ({ id }, { payment }) => ({
    invoiceId: id,
    amount: formatAmount(payment.amountMinor, payment.currency),
    currency: payment.currency,
    paymentMethod: payment.method,
    paymentReference: payment.reference,
  }),
};
