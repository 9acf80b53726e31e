/**
 * A person's decision about a dead letter, as one transaction: the row, and an entry in the audit trail.
 *
 * Always true:
 * 1. A decision is recorded once: its id is the key of its audit entry. Carried out again (Temporal retries, and a
 *    reset re-applies), it answers what the letter is and changes nothing.
 * 2. A resolved letter stays as it is; another decision is told what was decided.
 */
import { NIL } from 'uuid';
import { auditRow } from '../events/audit.ts';
import type { Handled } from '../events/event-source.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { type DeadLetterRow, deadLetterById } from '../queries/dead-letters.ts';
import type { DecisionCommand, Resolution } from '../workflows/contract.ts';

/** What a decision came to. */
export type Result = { verb: 'discard' } | { verb: 'replay'; handled: Handled };

export type Decided =
  /** The letter can still be decided. */
  | { kind: 'open'; letter: DeadLetterRow }
  /** This decision was recorded, now or before; a replay that was refused has left the letter open. */
  | { kind: 'decided'; letter: DeadLetterRow }
  /** Another decision has resolved it. */
  | { kind: 'resolved'; letter: DeadLetterRow }
  | { kind: 'not_found' };

const ENTITY_TYPE = 'dead_letter';

export async function decisionSoFar(
  database: Database | TransactionClient,
  { deadLetterId, decisionId }: DecisionCommand,
): Promise<Decided> {
  const letter = await deadLetterById(database, deadLetterId);
  if (!letter) return { kind: 'not_found' };
  const recorded = await database.auditEntry.findFirst({
    where: { tenantId: auditTenant(letter), entityType: ENTITY_TYPE, entityId: letter.id, commandKey: decisionId },
  });
  if (recorded) return { kind: 'decided', letter };
  return { kind: letter.resolvedAt === null ? 'open' : 'resolved', letter };
}

/** Records what a decision came to, unless the letter is resolved or the decision was recorded. */
export const recordDecision = (
  database: Database,
  command: DecisionCommand,
  result: Result,
): Promise<Exclude<Decided, { kind: 'open' }>> =>
  database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM dead_letters WHERE id = ${command.deadLetterId}::uuid FOR UPDATE`;
    const before = await decisionSoFar(tx, command);
    if (before.kind !== 'open') return before;
    const { id, auditSequence, auditHash } = before.letter;
    const at = new Date();
    const changes = changesOf(before.letter, command, result, at);
    const entry = auditRow(
      { sequence: auditSequence, hash: auditHash },
      {
        entityType: ENTITY_TYPE,
        state: auditedState({ ...before.letter, ...changes }),
        status: 'resolution' in changes ? changes.resolution : 'open',
        action: result.verb,
        command: { actor: command.operator, acceptedAt: at.toISOString(), key: command.decisionId },
        reason: command.reason,
      },
    );
    const json = JSON.stringify(entry);
    await tx.$executeRaw`
      INSERT INTO audit_entries SELECT * FROM jsonb_populate_record(NULL::audit_entries, ${json}::jsonb)`;
    const data = { ...changes, auditSequence: entry.sequence, auditHash: entry.hash };
    return { kind: 'decided', letter: await tx.deadLetter.update({ where: { id }, data }) };
  });

function changesOf({ attempts }: DeadLetterRow, { operator, reason }: DecisionCommand, result: Result, at: Date) {
  const resolvedAs = (resolution: Resolution) => ({
    resolution,
    resolvedBy: operator,
    resolvedReason: reason,
    resolvedAt: at,
  });
  if (result.verb === 'discard') return resolvedAs('discarded');
  const tried = { attempts: attempts + 1 };
  if (result.handled.kind === 'done') return { ...tried, ...resolvedAs('replayed') };
  // Postgres keeps no NUL in a text; a detail may quote the message.
  return { ...tried, reason: result.handled.reason, detail: result.handled.detail.replaceAll('\0', '') };
}

/** What belongs to no tenant is entered under the nil UUID. */
const auditTenant = ({ tenantId }: DeadLetterRow): string => tenantId ?? NIL;

/** Without the message: it does not change, and it is in the row. */
const auditedState = (letter: DeadLetterRow) => ({
  tenantId: auditTenant(letter),
  id: letter.id,
  version: letter.auditSequence + 1,
  reason: letter.reason,
  detail: letter.detail,
  attempts: letter.attempts,
  resolution: letter.resolution,
  resolvedBy: letter.resolvedBy,
  resolvedReason: letter.resolvedReason,
});
