import type { Invoice } from './invoice.ts';
import type { Database } from '../platform/database.ts';
import { type InvoiceRow, toInvoice } from './row.ts';

export async function invoiceById(database: Database, tenantId: string, invoiceId: string): Promise<Invoice | null> {
  const [row] = await database.$queryRaw<InvoiceRow[]>`
    SELECT * FROM invoices WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid`;
  return row ? toInvoice(row) : null;
}
