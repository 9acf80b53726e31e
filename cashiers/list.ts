import type { Database } from '../platform/database.ts';
import { queryRows, wholeRow } from '../platform/rows.ts';
import type { StoredCashier } from './members.ts';
import { toStoredCashier } from './row.ts';
import { sql, sqlAnd } from '../platform/sql.ts';

/** Where a page ends: the last cashier on it. */
export interface CashierPosition {
  name: string;
  id: string;
}

/**
 * One page of a tenant's cashiers by name, and the position after it (null at the end). Names are compared by their
 * bytes, as the index holds them: the order is the same on every server and after every upgrade of its locale data.
 */
export async function listCashiers(
  database: Database,
  tenantId: string,
  limit: number,
  after: CashierPosition | null,
): Promise<{ cashiers: StoredCashier[]; next: CashierPosition | null }> {
  const conditions = [
    sql`tenant_id = ${tenantId}::uuid`,
    ...(after ? [sql`(name COLLATE "C", id) > (${after.name}::text COLLATE "C", ${after.id}::uuid)`] : []),
  ];
  const rows = await queryRows(database, wholeRow)`
    SELECT * FROM cashiers WHERE ${sqlAnd(conditions)}
    ORDER BY name COLLATE "C", id LIMIT ${limit + 1}`;
  const cashiers = rows.slice(0, limit).map(toStoredCashier);
  const last = cashiers.at(-1);
  return { cashiers, next: rows.length > limit && last ? { name: last.name, id: last.id } : null };
}
