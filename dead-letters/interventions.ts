import type { DeadLetterInput } from '../workflows/contract/dead-letter.ts';
import type { Intervention } from '../commands/abandon.ts';
import { recordInterventions } from '../commands/interventions.ts';
import type { Database } from '../platform/database.ts';
import { auditedState } from './resolve.ts';
import { AUDIT_ENTITY_TYPE, deadLetterById } from './rows.ts';

/** Records what people have stopped. False when there is no such dead letter. */
export const recordOnDeadLetter = (
  database: Database,
  { deadLetterId }: DeadLetterInput,
  interventions: readonly Intervention[],
): Promise<boolean> =>
  database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM dead_letters WHERE id = ${deadLetterId}::uuid FOR UPDATE`;
    const deadLetter = await deadLetterById(tx, deadLetterId);
    if (!deadLetter) return false;
    const head = { sequence: deadLetter.auditSequence, hash: deadLetter.auditHash };
    const last = await recordInterventions(tx, interventions, head, ({ sequence }) => ({
      entityType: AUDIT_ENTITY_TYPE,
      state: auditedState({ ...deadLetter, auditSequence: sequence }),
      status: deadLetter.resolution ?? 'open',
    }));
    await tx.deadLetter.update({
      where: { id: deadLetterId },
      data: { auditSequence: last.sequence, auditHash: last.hash },
    });
    return true;
  });
