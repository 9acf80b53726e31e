import type { Payment } from './step.ts';
import type { Database, TransactionClient } from '../platform/database.ts';

/** The payment of a tenant with this reference; references are unique in a tenant. */
export async function paymentWithReference(
  database: Database | TransactionClient,
  tenantId: string,
  reference: string,
): Promise<Payment | null> {
  const row = await database.payment.findUnique({ where: { tenantId_reference: { tenantId, reference } } });
  if (!row) return null;
  const { invoiceId, currency, method } = row;
  return {
    invoiceId,
    currency,
    method,
    reference,
    amountMinor: Number(row.amountMinor),
    receivedAt: row.receivedAt.toISOString(),
  };
}
