/** A row of `invoices` as Postgres gives it, and as the rules see it. */
import type { Invoice } from './invoice.ts';
import type { Status } from './lifecycle.ts';

export interface InvoiceRow {
  tenant_id: string;
  id: string;
  name: string;
  customer_reference: string | null;
  status: Status;
  amount_minor: bigint;
  currency: string;
  due_date: Date | null;
  cashier_id: string | null;
  number: string | null;
  amount_paid_minor: bigint;
  paid_at: Date | null;
  finalized_at: Date | null;
  cancelled_at: Date | null;
  cancel_reason: string | null;
  version: number;
  created_at: Date;
  updated_at: Date;
  overdue_at: Date | null;
  overdue_told_at: Date | null;
  reminders_sent: number;
}

const instant = (date: Date | null): string | null => date?.toISOString() ?? null;

/** Amounts fit a number: the largest is below 2^53 (a CHECK constraint holds it). */
export const toInvoice = (row: InvoiceRow): Invoice => ({
  tenantId: row.tenant_id,
  id: row.id,
  name: row.name,
  customerReference: row.customer_reference,
  status: row.status,
  amountMinor: Number(row.amount_minor),
  currency: row.currency,
  dueDate: instant(row.due_date)?.slice(0, 10) ?? null,
  cashierId: row.cashier_id,
  number: row.number,
  amountPaidMinor: Number(row.amount_paid_minor),
  paidAt: instant(row.paid_at),
  finalizedAt: instant(row.finalized_at),
  cancelledAt: instant(row.cancelled_at),
  cancelReason: row.cancel_reason,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  overdueAt: instant(row.overdue_at),
  overdueToldAt: instant(row.overdue_told_at),
  remindersSent: row.reminders_sent,
});

/** The columns of an invoice as JSON values, by the names of the table. */
export const fromInvoice = (invoice: Invoice): Record<keyof InvoiceRow, string | number | null> => ({
  tenant_id: invoice.tenantId,
  id: invoice.id,
  name: invoice.name,
  customer_reference: invoice.customerReference,
  status: invoice.status,
  amount_minor: invoice.amountMinor,
  currency: invoice.currency,
  due_date: invoice.dueDate,
  cashier_id: invoice.cashierId,
  number: invoice.number,
  amount_paid_minor: invoice.amountPaidMinor,
  paid_at: invoice.paidAt,
  finalized_at: invoice.finalizedAt,
  cancelled_at: invoice.cancelledAt,
  cancel_reason: invoice.cancelReason,
  version: invoice.version,
  created_at: invoice.createdAt,
  updated_at: invoice.updatedAt,
  overdue_at: invoice.overdueAt,
  overdue_told_at: invoice.overdueToldAt,
  reminders_sent: invoice.remindersSent,
});
