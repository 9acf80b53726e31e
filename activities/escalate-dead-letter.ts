import type { Interventions } from '../workflows/contract/common.ts';
import type { DeadLetterInput, DeadLetterView } from '../workflows/contract/dead-letter.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { deadLetterView } from '../dead-letters/view.ts';
import { answering } from './dead-letter-answers.ts';
import { recordedDeadLetter } from './load-dead-letter.ts';

/** Says loudly that nobody has decided a dead letter for long, if that is still so; what it shows is read anew. */
export const createEscalateDeadLetter =
  (deps: { database: Database; logger: Logger }) =>
  (input: DeadLetterInput & Interventions): Promise<DeadLetterView | null> =>
    answering(async () => {
      const deadLetter = await recordedDeadLetter(deps, input);
      if (deadLetter?.resolvedAt === null) {
        const { id: deadLetterId, tenantId, direction, topic, type, reason, openedAt } = deadLetter;
        const context = { deadLetterId, tenantId, direction, topic, type, reason, openedAt };
        deps.logger.warn(context, 'nobody has decided a dead letter for long');
      }
      return deadLetter && deadLetterView(deps.database, deadLetter);
    });
