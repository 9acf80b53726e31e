import { ApplicationFailure } from '@temporalio/common';
import { decisionSoFar, recordDecision } from '../commands/decide-dead-letter.ts';
import type { Deliver, Handled, IncomingRecord } from '../events/event-source.ts';
import type { Database } from '../platform/database.ts';
import { recordOf } from '../queries/dead-letter-view.ts';
import type { DeadLetterView, DecisionCommand } from '../workflows/contract.ts';
import { answerOf, answering } from './dead-letter-answers.ts';

export interface ReplayMessageDeps {
  database: Database;
  /** The handlers of the consumer: a replay is one more delivery, with the same key. */
  deliver: Deliver;
}

/** Hands a dead letter's message in again. Handled, it is resolved; refused again, it stays open with the new reason. */
export const createReplayMessage =
  ({ database, deliver }: ReplayMessageDeps) =>
  (command: DecisionCommand): Promise<DeadLetterView> =>
    answering(async () => {
      const soFar = await decisionSoFar(database, command);
      if (soFar.kind !== 'open') return answerOf(soFar);
      const handled = await handIn(deliver, recordOf(soFar.letter));
      return answerOf(await recordDecision(database, command, { verb: 'replay', handled }));
    });

/** No answer yet is tried again, by Temporal: whether the message had its effect is not known until then. */
async function handIn(deliver: Deliver, record: IncomingRecord): Promise<Handled> {
  try {
    return await deliver(record);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw ApplicationFailure.retryable(`The message has no answer yet, it is handed in again: ${said}`, 'no_answer');
  }
}
