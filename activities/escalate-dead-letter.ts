import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { deadLetterView } from '../queries/dead-letter-view.ts';
import { deadLetterById } from '../queries/dead-letters.ts';
import type { DeadLetterInput, DeadLetterView } from '../workflows/contract.ts';
import { answering } from './dead-letter-answers.ts';

/** Says loudly that nobody has decided a letter for long, if that is still so; what it shows is read anew. */
export const createEscalateDeadLetter =
  ({ database, logger }: { database: Database; logger: Logger }) =>
  ({ deadLetterId }: DeadLetterInput): Promise<DeadLetterView | null> =>
    answering(async () => {
      const letter = await deadLetterById(database, deadLetterId);
      if (letter?.resolvedAt === null) {
        const { tenantId, direction, topic, type, reason, openedAt } = letter;
        const context = { deadLetterId, tenantId, direction, topic, type, reason, openedAt };
        logger.warn(context, 'nobody has decided a dead letter for long');
      }
      return letter && deadLetterView(letter);
    });
