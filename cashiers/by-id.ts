import type { Database } from '../platform/database.ts';
import type { Row } from '../commands/members.ts';
import type { Cashier } from './members.ts';
import { currenciesOf, toStoredCashier } from './row.ts';

export async function cashierById(database: Database, tenantId: string, cashierId: string): Promise<Cashier | null> {
  const [row] = await database.$queryRaw<Row[]>`
    SELECT * FROM cashiers WHERE tenant_id = ${tenantId}::uuid AND id = ${cashierId}::uuid`;
  return row ? { ...toStoredCashier(row), currencies: await currenciesOf(database, tenantId, cashierId) } : null;
}
