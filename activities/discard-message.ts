import type { DeadLetterView, DecisionCommand } from '../workflows/contract/dead-letter.ts';
import { recordDecision } from '../dead-letters/resolve.ts';
import { burnKey } from '../dead-letters/burn-key.ts';
import type { Database } from '../platform/database.ts';
import { answerOf, answering } from './dead-letter-answers.ts';

/** Ends a dead letter without effect, now or later. */
export const createDiscardMessage =
  ({ database }: { database: Database }) =>
  (command: DecisionCommand): Promise<DeadLetterView> =>
    answering(async () =>
      answerOf(
        database,
        await recordDecision(database, command, { action: 'discard' }, (tx, deadLetter) =>
          burnKey(tx, deadLetter, command),
        ),
      ),
    );
