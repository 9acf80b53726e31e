import { z } from 'zod';
import type { InvoiceInput } from '../workflows/contract/invoice.ts';
import type { Intervention } from '../commands/abandon.ts';
import { recordInterventions } from '../commands/interventions.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { invoiceEntity, toInvoice } from './entity.ts';

const auditedRow = z.looseObject({ audit_sequence: z.int(), audit_hash: z.string() });

/**
 * Records what people have stopped. False when there is no such invoice: then there is nothing that could tell of it.
 */
export const recordOnInvoice = (
  database: Database,
  { tenantId, invoiceId }: InvoiceInput,
  interventions: readonly Intervention[],
): Promise<boolean> =>
  database.$transaction(async (tx) => {
    const [row] = await queryRows(tx, auditedRow)`
      SELECT * FROM invoices WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid FOR UPDATE`;
    if (!row) return false;
    const state = toInvoice(row);
    const { type: entityType, status } = invoiceEntity;
    const head = { sequence: row.audit_sequence, hash: row.audit_hash };
    const last = await recordInterventions(tx, interventions, head, () => ({
      entityType,
      state,
      status: status(state),
    }));
    await tx.$executeRaw`
      UPDATE invoices SET audit_sequence = ${last.sequence}, audit_hash = ${last.hash}
      WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid`;
    return true;
  });
