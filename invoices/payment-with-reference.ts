import { z } from 'zod';
import type { Payment } from './step.ts';
import { type Database, type TransactionClient, prepared } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

const paymentRow = z.object({
  invoice_id: z.string(),
  currency: z.string(),
  method: z.string(),
  amount_minor: z.bigint(),
  received_at: z.date(),
});

/** The payment of a tenant with this reference; references are unique in a tenant. */
export async function paymentWithReference(
  database: Database | TransactionClient,
  tenantId: string,
  reference: string,
): Promise<Payment | null> {
  const [row] = await queryRows(database, paymentRow)`
    SELECT ${prepared} invoice_id, currency, method, amount_minor, received_at FROM payments
    WHERE tenant_id = ${tenantId}::uuid AND reference = ${reference}`;
  if (!row) return null;
  const { invoice_id: invoiceId, currency, method, amount_minor: amountMinor, received_at: receivedAt } = row;
  return {
    invoiceId,
    currency,
    method,
    reference,
    amountMinor: Number(amountMinor),
    receivedAt: receivedAt.toISOString(),
  };
}
