import type { Invoice } from './lifecycle.ts';
import { toInvoice } from './entity.ts';
import type { ListInvoices } from './schemas.ts';
import type { Database } from '../platform/database.ts';
import { queryRows, wholeRow } from '../platform/rows.ts';
import { sql, sqlAnd } from '../platform/sql.ts';

/** Where a page ends: the last invoice on it. Rows added later are newer, so they never move a page. */
export interface ListPosition {
  createdAt: string;
  id: string;
}

/** One page of a tenant's invoices, newest first, and the position after it (null at the end). */
export async function listInvoices(
  database: Database,
  tenantId: string,
  filter: Omit<ListInvoices, 'cursor'>,
  after: ListPosition | null,
): Promise<{ invoices: Invoice[]; next: ListPosition | null }> {
  const conditions = [
    sql`tenant_id = ${tenantId}::uuid`,
    ...(filter.status ? [sql`status = ${filter.status}`] : []),
    ...(filter.currency ? [sql`currency = ${filter.currency}`] : []),
    ...(filter.cashierId ? [sql`cashier_id = ${filter.cashierId}::uuid`] : []),
    ...(filter.customerReference ? [sql`customer_reference = ${filter.customerReference}`] : []),
    ...(filter.number ? [sql`number = ${filter.number}`] : []),
    ...(filter.dueBefore ? [sql`due_date < ${filter.dueBefore}::date`] : []),
    ...(filter.dueAfter ? [sql`due_date > ${filter.dueAfter}::date`] : []),
    ...(after ? [sql`(created_at, id) < (${after.createdAt}::timestamptz, ${after.id}::uuid)`] : []),
  ];
  const rows = await queryRows(database, wholeRow)`
    SELECT * FROM invoices WHERE ${sqlAnd(conditions)}
    ORDER BY created_at DESC, id DESC LIMIT ${filter.limit + 1}`;
  const invoices = rows.slice(0, filter.limit).map(toInvoice);
  const last = invoices.at(-1);
  return { invoices, next: rows.length > filter.limit && last ? { createdAt: last.createdAt, id: last.id } : null };
}
