/** Which facts a step of an invoice is for other services: one row a step, in the order in which they are recorded. */
import type { Invoice, Payment } from '../domain/invoice.ts';
import { paymentToWire, toWire } from '../domain/invoice-wire.ts';
import type { Step } from '../domain/lifecycle.ts';
import { formatAmount } from '../domain/money.ts';
import type { EventData, EventName } from './catalog.ts';

/** A step that was accepted, with the invoice as it is after it. */
export interface AcceptedStep {
  invoice: Invoice;
  payment: Payment | null;
  reason: string | null;
  acceptedAt: string;
}

/** The name is known before the step is complete: streams are locked before the invoice's number is drawn. */
export interface FactOfStep {
  name: EventName;
  data: (step: AcceptedStep) => unknown;
}

const fact = <N extends EventName>(name: N, data: (step: AcceptedStep) => EventData<N>): FactOfStep => ({ name, data });

export const invoiceFacts: Record<Step, readonly FactOfStep[]> = {
  create: [
    fact('InvoiceCreated', (step) => whole(step)),
    fact('InvoiceGenerated', ({ invoice }) => ({
      tenantId: invoice.tenantId,
      invoiceId: invoice.id,
      invoiceAmount: formatAmount(invoice.amountMinor, invoice.currency),
    })),
  ],
  update: [fact('InvoiceUpdated', (step) => whole(step))],
  finalize: [
    fact('InvoiceFinalized', (step) => ({
      ...whole(step),
      number: required(step.invoice.number, 'number'),
      finalTotalAmount: formatAmount(step.invoice.amountMinor, step.invoice.currency),
    })),
  ],
  pay: [fact('InvoicePaid', (step) => ({ ...whole(step), payment: paymentToWire(required(step.payment, 'payment')) }))],
  cancel: [fact('InvoiceCancelled', (step) => ({ ...whole(step), reason: step.reason }))],
};

const whole = ({ invoice, acceptedAt }: AcceptedStep) => ({
  tenantId: invoice.tenantId,
  invoice: toWire(invoice, acceptedAt),
});

function required<T>(value: T | null, what: string): T {
  if (value === null) throw new TypeError(`An accepted step lacks its ${what}.`);
  return value;
}
