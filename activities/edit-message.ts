import type { DeadLetterView, EditCommand } from '../workflows/contract/dead-letter.ts';
import { editEvent, editedPayload } from '../dead-letters/blocked-event.ts';
import { decisionSoFar, recordDecision } from '../dead-letters/resolve.ts';
import { catalogue } from '../registry/catalogue.ts';
import type { Inspect } from '../messaging/event-source.ts';
import type { Database } from '../platform/database.ts';
import { answerOf, answering } from './dead-letter-answers.ts';

export interface EditMessageDeps {
  database: Database;
  /** Of the consumer: what it would refuse again is refused now. */
  inspect: Inspect;
}

/** Gives a dead letter another payload, for its next replay; why it is here stays. */
export const createEditMessage =
  ({ database, inspect }: EditMessageDeps) =>
  (command: EditCommand): Promise<DeadLetterView> =>
    answering(async () => {
      const soFar = await decisionSoFar(database, command, 'edit');
      if (soFar.kind !== 'open') return answerOf(database, soFar);
      const payload = editedPayload(soFar.deadLetter, command.payload, { inspect, catalogue });
      return answerOf(
        database,
        await recordDecision(database, command, { action: 'edit', payload }, async (tx, deadLetter) => {
          if (deadLetter.direction === 'outbound') await editEvent(tx, deadLetter, payload);
        }),
      );
    });
