/** An invoice and a payment as callers and subscribers see them: the functions behind the shapes of invoice-schema.ts. */
import { type Invoice, type Payment, isOverdue } from './invoice.ts';
import type { WireInvoice, WirePayment } from './schemas.ts';
import { formatAmount } from '../values/money.ts';

/** The invoice as it is seen at the instant `now`: `overdue` depends on the day. */
export const toWire = (invoice: Invoice, now: string): WireInvoice => ({
  id: invoice.id,
  name: invoice.name,
  customerReference: invoice.customerReference,
  status: invoice.status,
  overdue: isOverdue(invoice, now),
  amount: formatAmount(invoice.amountMinor, invoice.currency),
  currency: invoice.currency,
  dueDate: invoice.dueDate,
  cashierId: invoice.cashierId,
  number: invoice.number,
  amountPaid: formatAmount(invoice.amountPaidMinor, invoice.currency),
  paidAt: invoice.paidAt,
  finalizedAt: invoice.finalizedAt,
  cancelledAt: invoice.cancelledAt,
  cancelReason: invoice.cancelReason,
  version: invoice.version,
  createdAt: invoice.createdAt,
  updatedAt: invoice.updatedAt,
});

export const paymentToWire = (payment: Payment): WirePayment => ({
  amount: formatAmount(payment.amountMinor, payment.currency),
  currency: payment.currency,
  method: payment.method,
  reference: payment.reference,
  receivedAt: payment.receivedAt,
});
