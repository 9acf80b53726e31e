/**
 * A person has stopped an attempt. It changes nothing, and is an entry in the audit trail of what it was about.
 *
 * Always true: an intervention is recorded once, since its attempt is its key; and in its place in the chain, since who
 * calls this holds the lock of the entity's row, and writes the chain's new end there.
 */
import { type Intervention, ABANDON } from './abandon.ts';
import type { TransactionClient } from '../platform/database.ts';
import { addEntries } from './audit-entries.ts';
import { type AuditHead, type AuditRow, type AuditedStep, auditRow } from './audit.ts';

type Audited = Pick<AuditedStep, 'entityType' | 'state' | 'status'>;

/** Adds what the chain that ends at `head` does not have yet, and returns its end after that. */
export async function recordInterventions(
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
