/**
 * A person's decision about a dead letter, as one transaction: the row, and an entry in the audit trail.
 *
 * Always true:
 * 1. A decision is recorded once: its id is the key of its audit entry, its verb the action. Carried out again (Temporal
 *    retries, and a reset re-applies), it answers what the letter is and changes nothing.
 * 2. A resolved letter stays as it is; another decision is told what was decided.
 * 3. What a decision does to an event in the outbox is in the same transaction.
 */
import type { DecisionCommand } from '../workflows/contract/dead-letter.ts';
import { type DeadLetterVerb, type Direction, type Resolution, deadLetterVerbs } from './dead-letter.ts';
import { auditRow } from '../commands/audit.ts';
import type { Handled } from '../messaging/event-source.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { payloadBytes, payloadText } from './payload.ts';
import { AUDIT_ENTITY_TYPE, type DeadLetterRow, auditTenant, deadLetterById } from './rows.ts';
import { addEntries } from '../commands/audit-entries.ts';
import { DecisionRefused } from './blocked-event.ts';

/** What a decision came to. */
export type Result =
  | { verb: 'discard' }
  | { verb: 'withhold' }
  | { verb: 'edit'; payload: string }
  | { verb: 'replay'; handled: Handled };

export type Decided =
  /** The letter can still be decided. */
  | { kind: 'open'; letter: DeadLetterRow }
  /** This decision was recorded, now or before; a replay that was refused has left the letter open. */
  | { kind: 'decided'; letter: DeadLetterRow }
  /** Another decision has resolved it. */
  | { kind: 'resolved'; letter: DeadLetterRow }
  | { kind: 'not_found' };

export async function decisionSoFar(
  database: Database | TransactionClient,
  { deadLetterId, decisionId }: DecisionCommand,
  action: DeadLetterVerb,
): Promise<Decided> {
  const letter = await deadLetterById(database, deadLetterId);
  if (!letter) return { kind: 'not_found' };
  const recorded = await database.auditEntry.findFirst({
    where: {
      tenantId: auditTenant(letter),
      entityType: AUDIT_ENTITY_TYPE,
      entityId: letter.id,
      commandKey: decisionId,
      action,
    },
  });
  if (recorded) return { kind: 'decided', letter };
  return { kind: letter.resolvedAt === null ? 'open' : 'resolved', letter };
}

/**
 * Records what a decision came to, unless the letter is resolved or the decision was recorded. `also` is what it does
 * to the event of an outbound letter. Throws DecisionRefused when it does not fit the letter.
 */
export const recordDecision = (
  database: Database,
  command: DecisionCommand,
  result: Result,
  also?: (tx: TransactionClient, letter: DeadLetterRow) => Promise<void>,
): Promise<Exclude<Decided, { kind: 'open' }>> =>
  database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM dead_letters WHERE id = ${command.deadLetterId}::uuid FOR UPDATE`;
    const before = await decisionSoFar(tx, command, result.verb);
    if (before.kind !== 'open') return before;
    refuseUnlessFits(before.letter, result);
    await also?.(tx, before.letter);
    const { id, auditSequence, auditHash } = before.letter;
    const at = new Date();
    const changes = changesOf(before.letter, command, result, at);
    const entry = auditRow(
      { sequence: auditSequence, hash: auditHash },
      {
        entityType: AUDIT_ENTITY_TYPE,
        state: { ...auditedState({ ...before.letter, ...changes }), ...replacedPayload(before.letter, result) },
        status: 'resolution' in changes ? changes.resolution : 'open',
        action: result.verb,
        command: { actor: command.operator, acceptedAt: at.toISOString(), key: command.decisionId },
        reason: command.reason,
      },
    );
    await addEntries(tx, [entry]);
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
  if (result.verb === 'withhold') return resolvedAs('withheld');
  if (result.verb === 'edit') return { editedValue: new Uint8Array(Buffer.from(result.payload)) };
  const tried = { attempts: attempts + 1, replayEndsAt: null };
  if (result.handled.kind === 'done') return { ...tried, ...resolvedAs('replayed') };
  // Postgres keeps no NUL in a text; a detail may quote the message.
  return { ...tried, reason: result.handled.reason, detail: result.handled.detail.replaceAll('\0', '') };
}

/** Each verb for the letters it is made for, with what to do instead. */
function refuseUnlessFits({ direction }: DeadLetterRow, { verb }: Result): void {
  const directions: readonly Direction[] = deadLetterVerbs[verb];
  if (directions.includes(direction as Direction)) return;
  throw new DecisionRefused(
    direction === 'outbound'
      ? 'An event of ours is not discarded: subscribers count its stream. Use withhold, which sends EventWithheld in its place.'
      : 'A message of others is not ours to withhold. Use discard.',
  );
}

/** What an edit has replaced, so that every payload a letter ever had can be read. */
function replacedPayload(
  letter: DeadLetterRow,
  { verb }: Result,
): { replacedPayload?: string; replacedBase64?: string } {
  if (verb !== 'edit') return {};
  const text = payloadText(letter);
  return text === null
    ? { replacedBase64: Buffer.from(payloadBytes(letter) ?? []).toString('base64') }
    : { replacedPayload: text };
}

/** Without the message: it is in the row, and what replaced it is told by the edits. */
export const auditedState = (letter: DeadLetterRow) => ({
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
