/**
 * What a person discards must never be carried out, also not by an attempt that is still on its way: in the discard's
 * own transaction its command key is taken for good.
 */
import type { TransactionClient } from '../platform/database.ts';
import type { DeadLetterRow } from '../queries/dead-letters.ts';
import type { DecisionCommand } from '../workflows/contract.ts';
import { DecisionRefused } from './blocked-event.ts';
import { storedKey } from './key.ts';

/** The step of a command that is a discarded message. */
const DISCARD_STEP = 'discard';

/**
 * Takes the key of a letter's message, after waiting for an attempt that is under way. Throws DecisionRefused when the
 * key was carried out. A message without an identity of its own was never a command; one whose key another message
 * has can become none.
 */
export async function sealMessage(
  tx: TransactionClient,
  { id, tenantId, source, eventId, reason }: DeadLetterRow,
  { decisionId }: DecisionCommand,
): Promise<void> {
  if (!tenantId || !source || !eventId || reason === 'idempotency_key_reused') return;
  const { count } = await tx.command.createMany({
    data: {
      tenantId,
      key: storedKey('event', source, eventId),
      fingerprint: DISCARD_STEP,
      attemptId: `${DISCARD_STEP}:${decisionId}`,
      entityId: id,
      step: DISCARD_STEP,
      answer: JSON.stringify({ deadLetterId: id }),
      recordedAt: new Date(),
    },
    skipDuplicates: true,
  });
  if (count === 0)
    throw new DecisionRefused(
      'It was carried out after all, or another message under its source and id was. Use replay: nothing is carried out twice, and the letter tells which it was.',
    );
}
