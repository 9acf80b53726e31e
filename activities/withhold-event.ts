import type { DeadLetterView, DecisionCommand } from '../workflows/contract/dead-letter.ts';
import { withholdEvent } from '../dead-letters/blocked-event.ts';
import { recordDecision } from '../dead-letters/resolve.ts';
import type { WireSettings } from '../messaging/cloud-event.ts';
import type { Database } from '../platform/database.ts';
import { answerOf, answering } from './dead-letter-answers.ts';

/** Ends an outbound dead letter: EventWithheld takes the event's place in its stream, which goes on. */
export const createWithholdEvent =
  ({ database, wire }: { database: Database; wire: WireSettings }) =>
  (command: DecisionCommand): Promise<DeadLetterView> =>
    answering(async () =>
      answerOf(
        database,
        await recordDecision(database, command, { action: 'withhold' }, (tx, deadLetter) =>
          withholdEvent(tx, deadLetter, command, wire),
        ),
      ),
    );
