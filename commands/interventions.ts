/**
 * A person has stopped an attempt. It changes nothing, and is an entry in the audit trail of what it was about.
 *
 * Always true: an intervention is recorded once, since its attempt is its key; and in its place in the chain, since the
 * entity's row is locked.
 */
import { ABANDON } from '../invoices/lifecycle.ts';
import { type AuditHead, type AuditRow, type AuditedStep, auditRow } from './audit.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { AUDIT_ENTITY_TYPE, deadLetterById } from '../dead-letters/rows.ts';
import { type InvoiceRow, toInvoice } from '../invoices/row.ts';
import type { DeadLetterInput, Intervention, InvoiceInput } from '../workflows/contract.ts';
import { addEntries } from './audit-entries.ts';
import { auditedState } from '../dead-letters/resolve.ts';

/** False when there is no such invoice: then there is nothing that could tell of it. */
export const recordOnInvoice = (
  database: Database,
  { tenantId, invoiceId }: InvoiceInput,
  interventions: readonly Intervention[],
): Promise<boolean> =>
  database.$transaction(async (tx) => {
    const [row] = await tx.$queryRaw<(InvoiceRow & { audit_sequence: number; audit_hash: string })[]>`
      SELECT * FROM invoices WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid FOR UPDATE`;
    if (!row) return false;
    const state = toInvoice(row);
    const head = { sequence: row.audit_sequence, hash: row.audit_hash };
    const last = await record(tx, interventions, head, () => ({ entityType: 'invoice', state, status: state.status }));
    await tx.$executeRaw`
      UPDATE invoices SET audit_sequence = ${last.sequence}, audit_hash = ${last.hash}
      WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid`;
    return true;
  });

/** The same for a dead letter. */
export const recordOnLetter = (
  database: Database,
  { deadLetterId }: DeadLetterInput,
  interventions: readonly Intervention[],
): Promise<boolean> =>
  database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM dead_letters WHERE id = ${deadLetterId}::uuid FOR UPDATE`;
    const letter = await deadLetterById(tx, deadLetterId);
    if (!letter) return false;
    const head = { sequence: letter.auditSequence, hash: letter.auditHash };
    const last = await record(tx, interventions, head, ({ sequence }) => ({
      entityType: AUDIT_ENTITY_TYPE,
      state: auditedState({ ...letter, auditSequence: sequence }),
      status: letter.resolution ?? 'open',
    }));
    await tx.deadLetter.update({
      where: { id: deadLetterId },
      data: { auditSequence: last.sequence, auditHash: last.hash },
    });
    return true;
  });

type Audited = Pick<AuditedStep, 'entityType' | 'state' | 'status'>;

/** Adds what the chain does not have yet; its end after that. */
async function record(
  tx: TransactionClient,
  interventions: readonly Intervention[],
  head: AuditHead,
  auditedAt: (head: AuditHead) => Audited,
): Promise<AuditHead> {
  const entries: AuditRow[] = [];
  let last = head;
  for (const { actor, reason, at, step, attemptId } of interventions) {
    const key = `${ABANDON}:${attemptId}`;
    const { state, ...audited } = auditedAt(last);
    if (await isRecorded(tx, state, audited, key)) continue;
    const stopped = { ...state, stopped: { step, attemptId } };
    const command = { actor, acceptedAt: at, key };
    const entry = auditRow(last, { ...audited, state: stopped, action: ABANDON, command, reason });
    entries.push(entry);
    last = entry;
  }
  if (entries.length > 0) await addEntries(tx, entries);
  return last;
}

async function isRecorded(
  tx: TransactionClient,
  { tenantId, id: entityId }: Audited['state'],
  { entityType }: Omit<Audited, 'state'>,
  commandKey: string,
): Promise<boolean> {
  return (await tx.auditEntry.count({ where: { tenantId, entityType, entityId, commandKey } })) > 0;
}
