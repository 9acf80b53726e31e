import type { Cashier } from './cashier.ts';
import type { Database } from '../platform/database.ts';
import { type CashierRow, currenciesOf, toCashier } from './row.ts';

export async function cashierById(database: Database, tenantId: string, cashierId: string): Promise<Cashier | null> {
  const [row] = await database.$queryRaw<CashierRow[]>`
    SELECT * FROM cashiers WHERE tenant_id = ${tenantId}::uuid AND id = ${cashierId}::uuid`;
  return row ? toCashier(row, await currenciesOf(database, tenantId, cashierId)) : null;
}
