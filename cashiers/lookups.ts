/** What the rules ask about a cashier's surroundings; read inside the transaction that decides. */
import type { TransactionClient } from '../platform/database.ts';
import { queryRows, wholeRow } from '../platform/rows.ts';

/** Does another cashier of the tenant have the e-mail address, in any case? */
export async function isEmailTaken(
  tx: TransactionClient,
  { tenantId, cashierId }: { tenantId: string; cashierId: string },
  email: string,
): Promise<boolean> {
  const rows = await queryRows(tx, wholeRow)`
    SELECT 1 FROM cashiers
    WHERE tenant_id = ${tenantId}::uuid AND lower(email) = lower(${email}) AND id <> ${cashierId}::uuid LIMIT 1`;
  return rows.length > 0;
}

/** Does any invoice name the cashier? */
export async function isCashierInUse(
  tx: TransactionClient,
  { tenantId, cashierId }: { tenantId: string; cashierId: string },
): Promise<boolean> {
  const rows = await queryRows(tx, wholeRow)`
    SELECT 1 FROM invoices WHERE tenant_id = ${tenantId}::uuid AND cashier_id = ${cashierId}::uuid LIMIT 1`;
  return rows.length > 0;
}
