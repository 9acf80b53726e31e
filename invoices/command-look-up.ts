import type { Invoice } from './lifecycle.ts';
import type { WireInvoice } from './wire.ts';
import { toInvoice } from './entity.ts';
import type { Database } from '../platform/database.ts';
import type { Row } from '../commands/members.ts';

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

type Found = Row & { id: string | null; answer: string | null; is_same: boolean };

/** What is known before a command is sent: its key's answer and its invoice, in one look. */
export async function lookUpCommand(
  database: Database,
  { tenantId, key, fingerprint, invoiceId, step }: SoughtCommand,
): Promise<CommandLookUp> {
  const [row] = await database.$queryRaw<Found[]>`
    SELECT c.answer, i.*,
      c.fingerprint = ${fingerprint} AND c.entity_id = ${invoiceId}::uuid AND c.step = ${step} AS is_same
    FROM (VALUES (${tenantId}::uuid)) AS caller(tenant)
    LEFT JOIN commands c ON c.tenant_id = caller.tenant AND c.command_key = ${key}
    LEFT JOIN invoices i ON i.tenant_id = caller.tenant AND i.id = ${invoiceId}::uuid`;
  return { known: row?.answer ? knownOf(row.answer, row) : null, invoice: row?.id ? toInvoice(row) : null };
}

const knownOf = (answer: string, { is_same: isSame }: Found): WireInvoice | 'reused' =>
  isSame ? (JSON.parse(answer) as WireInvoice) : 'reused';
