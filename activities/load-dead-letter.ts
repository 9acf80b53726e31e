import type { Interventions } from '../workflows/contract/common.ts';
import type { DeadLetterInput, DeadLetterView } from '../workflows/contract/dead-letter.ts';
import { recordOnDeadLetter } from '../dead-letters/interventions.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { deadLetterView } from '../dead-letters/view.ts';
import { type DeadLetterRow, deadLetterById } from '../dead-letters/rows.ts';
import { answering } from './dead-letter-answers.ts';

/** What the workflow shows of a dead letter, after what people have stopped was recorded; null when there is none. */
export const createLoadDeadLetter =
  (deps: { database: Database; logger: Logger }) =>
  (input: DeadLetterInput & Interventions): Promise<DeadLetterView | null> =>
    answering(async () => {
      const deadLetter = await recordedDeadLetter(deps, input);
      return deadLetter && deadLetterView(deps.database, deadLetter);
    });

/** The dead letter as it is once what people have stopped was recorded. */
export async function recordedDeadLetter(
  { database, logger }: { database: Database; logger: Logger },
  { interventions = [], ...input }: DeadLetterInput & Interventions,
): Promise<DeadLetterRow | null> {
  if (interventions.length > 0 && !(await recordOnDeadLetter(database, input, interventions)))
    logger.warn({ ...input, interventions }, 'a person has stopped an attempt at a dead letter that is not there');
  return deadLetterById(database, input.deadLetterId);
}
