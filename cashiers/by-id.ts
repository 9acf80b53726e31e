import type { Database } from '../platform/database.ts';
import { queryRows, wholeRow } from '../platform/rows.ts';
import type { Cashier } from './members.ts';
import { currenciesOf, toStoredCashier } from './row.ts';

export async function cashierById(database: Database, tenantId: string, cashierId: string): Promise<Cashier | null> {
  const [row] = await queryRows(database, wholeRow)`
    SELECT * FROM cashiers WHERE tenant_id = ${tenantId}::uuid AND id = ${cashierId}::uuid`;
  return row ? { ...toStoredCashier(row), currencies: await currenciesOf(database, tenantId, cashierId) } : null;
}
