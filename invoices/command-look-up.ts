import { z } from 'zod';
import type { Invoice } from './lifecycle.ts';
import type { WireInvoice } from './wire.ts';
import { toInvoice } from './entity.ts';
import { RECOVERED } from '../commands/recovered.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

export interface CommandLookUp {
  /** What this very command was answered with; `reused` when its key was answered to another one. */
  known: WireInvoice | 'reused' | null;
  invoice: Invoice | null;
}

/** The command that is looked for. */
export interface SoughtCommand {
  tenantId: string;
  key: string;
  fingerprint: string;
  invoiceId: string;
  step: string;
}

/** The invoice's row, and the key's; what there is not is null. */
const foundRow = z.looseObject({
  id: z.string().nullable(),
  answer: z.string().nullable(),
  is_same: z.boolean().nullable(),
});

/** What is known before a command is sent: its key's answer and its invoice, in one look. */
export async function lookUpCommand(
  database: Database,
  { tenantId, key, fingerprint, invoiceId, step }: SoughtCommand,
): Promise<CommandLookUp> {
  const [row] = await queryRows(database, foundRow)`
    SELECT c.answer, i.*,
      c.fingerprint IN (${fingerprint}, ${RECOVERED}) AND c.entity_id = ${invoiceId}::uuid AND c.step = ${step} AS is_same
    FROM (VALUES (${tenantId}::uuid)) AS caller(tenant)
    LEFT JOIN commands c ON c.tenant_id = caller.tenant AND c.command_key = ${key}
    LEFT JOIN invoices i ON i.tenant_id = caller.tenant AND i.id = ${invoiceId}::uuid`;
  return { known: row?.answer ? knownOf(row.answer, row) : null, invoice: row?.id ? toInvoice(row) : null };
}

const knownOf = (answer: string, { is_same: isSame }: z.infer<typeof foundRow>): WireInvoice | 'reused' =>
  isSame ? (JSON.parse(answer) as WireInvoice) : 'reused';
