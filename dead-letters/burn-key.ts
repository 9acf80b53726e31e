/**
 * What a person discards must never be carried out, also not by an attempt that is still on its way: in the discard's
 * own transaction its command key is taken for good. A request for a billing run asks here too whether it may begin.
 */
import type { DecisionCommand } from '../workflows/contract/dead-letter.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { type DeadLetterRow, deadLetterById } from './rows.ts';
import { DecisionRefused } from './blocked-event.ts';
import { storedKey } from '../commands/key.ts';

/** The step of a command that is a discarded message. */
const DISCARD_STEP = 'discard';

/** Why a dead letter is there whose source and id are another message's: it can become no command. */
export const takenReasons = { discarded: 'already_discarded', carriedOut: 'idempotency_key_reused' } as const;
const TAKEN: readonly string[] = Object.values(takenReasons);

/**
 * Takes the key of a dead letter's message, after waiting for an attempt that is under way. Throws DecisionRefused when
 * the key was carried out. A message without an identity of its own was never a command; one whose key another message
 * has can become none.
 */
export async function burnKey(
  tx: TransactionClient,
  deadLetter: DeadLetterRow,
  { decisionId }: DecisionCommand,
): Promise<void> {
  const { id, tenantId, source, eventId, reason } = deadLetter;
  if (!tenantId || !source || !eventId || TAKEN.includes(reason)) return;
  if (await hasEarlierTwin(tx, deadLetter)) return;
  const key = storedKey('event', source, eventId);
  await lockKey(tx, tenantId, key);
  if (await tx.billingRunRequest.findFirst({ where: { tenantId, requestKey: key } })) throw carriedOut();
  const { count } = await tx.command.createMany({
    data: {
      tenantId,
      key,
      fingerprint: DISCARD_STEP,
      attemptId: `${DISCARD_STEP}:${decisionId}`,
      entityId: id,
      step: DISCARD_STEP,
      answer: JSON.stringify({ deadLetterId: id }),
      recordedAt: new Date(),
    },
    skipDuplicates: true,
  });
  if (count === 0 && !(await discardOf(tx, tenantId, key))) throw carriedOut();
}

const carriedOut = (): DecisionRefused =>
  new DecisionRefused(
    'It was carried out after all, or another message under its source and id was. Use replay: nothing is carried out twice, and the dead letter tells which it was.',
  );

/** A dead letter under the same source and id that was there before: the key is that one's, whatever became of it. */
const hasEarlierTwin = async (
  tx: TransactionClient,
  { id, tenantId, source, eventId }: DeadLetterRow,
): Promise<boolean> =>
  (await tx.deadLetter.findFirst({
    where: { direction: 'inbound', tenantId, source, eventId, id: { lt: id } },
    select: { id: true },
  })) !== null;

/** The dead letter whose discard has taken a key; null when the key is free, or was carried out. */
export async function discardOf(
  database: Database | TransactionClient,
  tenantId: string,
  key: string,
): Promise<DeadLetterRow | null> {
  const command = await database.command.findUnique({ where: { tenantId_key: { tenantId, key } } });
  return command?.step === DISCARD_STEP ? deadLetterById(database, command.entityId) : null;
}

/** Until the transaction ends nobody else begins, or discards, what has this key. */
export const lockKey = async (tx: TransactionClient, tenantId: string, key: string): Promise<void> =>
  void (await tx.$queryRaw`SELECT FROM pg_advisory_xact_lock(hashtextextended(${`${tenantId}|${key}`}, 0))`);
