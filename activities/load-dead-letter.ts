import type { Database } from '../platform/database.ts';
import { deadLetterView } from '../queries/dead-letter-view.ts';
import { deadLetterById } from '../queries/dead-letters.ts';
import type { DeadLetterInput, DeadLetterView } from '../workflows/contract.ts';
import { answering } from './dead-letter-answers.ts';

/** What the workflow shows of a dead letter; null when there is none. Reads only. */
export const createLoadDeadLetter =
  ({ database }: { database: Database }) =>
  ({ deadLetterId }: DeadLetterInput): Promise<DeadLetterView | null> =>
    answering(async () => {
      const letter = await deadLetterById(database, deadLetterId);
      return letter && deadLetterView(letter);
    });
