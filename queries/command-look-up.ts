import type { Invoice } from '../domain/invoice.ts';
import type { WireInvoice } from '../domain/invoice-schema.ts';
import type { Database } from '../platform/database.ts';
import { type InvoiceRow, toInvoice } from './invoice-row.ts';

export interface CommandLookUp {
  /** What was answered under this key, with the fingerprint it was asked with. */
  answered: { fingerprint: string; invoice: WireInvoice } | null;
  invoice: Invoice | null;
}

/** What is known before a command is sent: its key's answer and its invoice, in one look. */
export async function lookUpCommand(
  database: Database,
  tenantId: string,
  key: string,
  invoiceId: string,
): Promise<CommandLookUp> {
  const [row] = await database.$queryRaw<(InvoiceRow & { fingerprint: string | null; answer: string | null })[]>`
    SELECT c.fingerprint, c.answer, i.*
    FROM (VALUES (${tenantId}::uuid)) AS caller(tenant)
    LEFT JOIN commands c ON c.tenant_id = caller.tenant AND c.command_key = ${key}
    LEFT JOIN invoices i ON i.tenant_id = caller.tenant AND i.id = ${invoiceId}::uuid`;
  return {
    answered:
      row?.fingerprint && row.answer
        ? { fingerprint: row.fingerprint, invoice: JSON.parse(row.answer) as WireInvoice }
        : null,
    invoice: row?.id ? toInvoice(row) : null,
  };
}
