/**
 * A person's decision about a dead letter, as one transaction: the row, and an entry in the audit trail.
 *
 * Always true:
 * 1. A decision is recorded once: its id is the key of its audit entry, its action the entry's. Carried out again
 *    (Temporal retries, and a reset re-applies), it answers what the dead letter is and changes nothing.
 * 2. A resolved dead letter stays as it is; another decision is told what was decided.
 * 3. What a decision does to an event in the outbox is in the same transaction.
 */
import type { DecisionCommand } from '../workflows/contract/dead-letter.ts';
import { type DeadLetterAction, type Direction, type Resolution, deadLetterActions } from './dead-letter.ts';
import { auditRow } from '../commands/audit.ts';
import type { Handled } from '../messaging/event-source.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { payloadBytes, payloadText } from './payload.ts';
import { AUDIT_ENTITY_TYPE, type DeadLetterRow, tenantOrNil, deadLetterById } from './rows.ts';
import { addEntries } from '../commands/audit-entries.ts';
import { DecisionRefused } from './blocked-event.ts';

/** What a decision came to. */
export type Result =
  | { action: 'discard' }
  | { action: 'withhold' }
  | { action: 'edit'; payload: string }
  | { action: 'replay'; handled: Handled };

export type Decided =
  /** The dead letter can still be decided. */
  | { kind: 'open'; deadLetter: DeadLetterRow }
  /** This decision was recorded, now or before; a replay that was refused has left the dead letter open. */
  | { kind: 'decided'; deadLetter: DeadLetterRow }
  /** Another decision has resolved it. */
  | { kind: 'resolved'; deadLetter: DeadLetterRow }
  | { kind: 'not_found' };

export async function decisionSoFar(
  database: Database | TransactionClient,
  { deadLetterId, decisionId }: DecisionCommand,
  action: DeadLetterAction,
): Promise<Decided> {
  const deadLetter = await deadLetterById(database, deadLetterId);
  if (!deadLetter) return { kind: 'not_found' };
  const recorded = await database.auditEntry.findFirst({
    where: {
      tenantId: tenantOrNil(deadLetter),
      entityType: AUDIT_ENTITY_TYPE,
      entityId: deadLetter.id,
      commandKey: decisionId,
      action,
    },
  });
  if (recorded) return { kind: 'decided', deadLetter };
  return { kind: deadLetter.resolvedAt === null ? 'open' : 'resolved', deadLetter };
}

/**
 * Records what a decision came to, unless the dead letter is resolved or the decision was recorded. `also` is what it
 * does to the event of an outbound dead letter. Throws DecisionRefused when it does not fit the dead letter.
 */
export const recordDecision = (
  database: Database,
  command: DecisionCommand,
  result: Result,
  also?: (tx: TransactionClient, deadLetter: DeadLetterRow) => Promise<void>,
): Promise<Exclude<Decided, { kind: 'open' }>> =>
  database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM dead_letters WHERE id = ${command.deadLetterId}::uuid FOR UPDATE`;
    const before = await decisionSoFar(tx, command, result.action);
    if (before.kind !== 'open') return before;
    refuseUnlessFits(before.deadLetter, result);
    await also?.(tx, before.deadLetter);
    const { id, auditSequence, auditHash } = before.deadLetter;
    const at = new Date();
    const changes = changesOf(before.deadLetter, command, result, at);
    const entry = auditRow(
      { sequence: auditSequence, hash: auditHash },
      {
        entityType: AUDIT_ENTITY_TYPE,
        state: { ...auditedState({ ...before.deadLetter, ...changes }), ...replacedPayload(before.deadLetter, result) },
        status: 'resolution' in changes ? changes.resolution : 'open',
        action: result.action,
        command: { actor: command.operator, acceptedAt: at.toISOString(), key: command.decisionId },
        reason: command.reason,
      },
    );
    await addEntries(tx, [entry]);
    const data = { ...changes, auditSequence: entry.sequence, auditHash: entry.hash };
    return { kind: 'decided', deadLetter: await tx.deadLetter.update({ where: { id }, data }) };
  });

function changesOf({ attempts }: DeadLetterRow, { operator, reason }: DecisionCommand, result: Result, at: Date) {
  const resolvedAs = (resolution: Resolution) => ({
    resolution,
    resolvedBy: operator,
    resolvedReason: reason,
    resolvedAt: at,
  });
  if (result.action === 'discard') return resolvedAs('discarded');
  if (result.action === 'withhold') return resolvedAs('withheld');
  if (result.action === 'edit') return { editedValue: new Uint8Array(Buffer.from(result.payload)) };
  const tried = { attempts: attempts + 1, replayEndsAt: null };
  if (result.handled.kind === 'done') return { ...tried, ...resolvedAs('replayed') };
  // Postgres keeps no NUL in a text; a detail may quote the message.
  return { ...tried, reason: result.handled.reason, detail: result.handled.detail.replaceAll('\0', '') };
}

/** Each action for the dead letters it is made for, with what to do instead. */
function refuseUnlessFits({ direction }: DeadLetterRow, { action }: Result): void {
  const { directions }: { directions: readonly Direction[] } = deadLetterActions[action];
  if (directions.includes(direction as Direction)) return;
  throw new DecisionRefused(
    direction === 'outbound'
      ? 'An event of ours is not discarded: subscribers count its stream. Use withhold, which sends EventWithheld in its place.'
      : 'A message of others is not ours to withhold. Use discard.',
  );
}

/** What an edit has replaced, so that every payload a dead letter ever had can be read. */
function replacedPayload(
  deadLetter: DeadLetterRow,
  { action }: Result,
): { replacedPayload?: string; replacedBase64?: string } {
  if (action !== 'edit') return {};
  const text = payloadText(deadLetter);
  return text === null
    ? { replacedBase64: Buffer.from(payloadBytes(deadLetter) ?? []).toString('base64') }
    : { replacedPayload: text };
}

/** Without the message: it is in the row, and what replaced it is told by the edits. */
export const auditedState = (deadLetter: DeadLetterRow) => ({
  tenantId: tenantOrNil(deadLetter),
  id: deadLetter.id,
  version: deadLetter.auditSequence + 1,
  reason: deadLetter.reason,
  detail: deadLetter.detail,
  attempts: deadLetter.attempts,
  resolution: deadLetter.resolution,
  resolvedBy: deadLetter.resolvedBy,
  resolvedReason: deadLetter.resolvedReason,
});
