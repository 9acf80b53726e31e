import { z } from 'zod';
import type { WireCashierPayment } from './schemas.ts';
import { formatAmount } from '../values/money.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { sql, sqlAnd } from '../platform/sql.ts';

/** Where a page ends: the last payment on it. Payments recorded later are newer, so they never move a page. */
export interface PaymentPosition {
  recordedAt: string;
  paymentId: string;
}

const paymentRow = z.object({
  payment_id: z.string(),
  invoice_id: z.string(),
  amount_minor: z.bigint(),
  currency: z.string(),
  method: z.string(),
  reference: z.string(),
  received_at: z.date(),
  recorded_at: z.date(),
});
type PaymentRow = z.infer<typeof paymentRow>;

/** One page of what was paid on a cashier's invoices, newest first, and the position after it (null at the end). */
export async function cashierPayments(
  database: Database,
  { tenantId, cashierId }: { tenantId: string; cashierId: string },
  limit: number,
  after: PaymentPosition | null,
): Promise<{ payments: WireCashierPayment[]; next: PaymentPosition | null }> {
  const conditions = [
    sql`tenant_id = ${tenantId}::uuid`,
    sql`cashier_id = ${cashierId}::uuid`,
    ...(after ? [sql`(recorded_at, payment_id) < (${after.recordedAt}::timestamptz, ${after.paymentId}::uuid)`] : []),
  ];
  const rows = await queryRows(database, paymentRow)`
    SELECT * FROM cashier_payments WHERE ${sqlAnd(conditions)}
    ORDER BY recorded_at DESC, payment_id DESC LIMIT ${limit + 1}`;
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    payments: page.map(toWirePayment),
    next:
      rows.length > limit && last ? { recordedAt: last.recorded_at.toISOString(), paymentId: last.payment_id } : null,
  };
}

const toWirePayment = (row: PaymentRow): WireCashierPayment => ({
  invoiceId: row.invoice_id,
  amount: formatAmount(Number(row.amount_minor), row.currency),
  currency: row.currency,
  method: row.method,
  reference: row.reference,
  receivedAt: row.received_at.toISOString(),
  recordedAt: row.recorded_at.toISOString(),
});
