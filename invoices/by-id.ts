import type { Invoice } from './lifecycle.ts';
import { toInvoice } from './entity.ts';
import type { Database } from '../platform/database.ts';
import { queryRows, wholeRow } from '../platform/rows.ts';

export async function invoiceById(database: Database, tenantId: string, invoiceId: string): Promise<Invoice | null> {
  const [row] = await queryRows(database, wholeRow)`
    SELECT * FROM invoices WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid`;
  return row ? toInvoice(row) : null;
}
