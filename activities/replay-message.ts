import type { DeadLetterView, DecisionCommand } from '../workflows/contract/dead-letter.ts';
import { ApplicationFailure } from '@temporalio/common';
import { beginReplay, eventOf, settleEvent } from '../dead-letters/blocked-event.ts';
import { decisionSoFar, recordDecision } from '../dead-letters/resolve.ts';
import { type EventSink, RefusedByBroker } from '../messaging/event-sink.ts';
import type { Deliver, Handled, IncomingRecord } from '../messaging/event-source.ts';
import { refusedBecause } from '../messaging/refused-event.ts';
import type { Database } from '../platform/database.ts';
import { recordOf } from '../dead-letters/payload.ts';
import type { DeadLetterRow } from '../dead-letters/rows.ts';
import { answerOf, answering } from './dead-letter-answers.ts';

export interface ReplayMessageDeps {
  database: Database;
  /** The handlers of the consumer: a replay is one more delivery, with the same key. */
  deliver: Deliver;
  /** Not the relay's: a refused send would take its producer away. */
  replaySink: EventSink;
}

/**
 * Hands a dead letter's message in again, or sends its event again. Handled or acknowledged, it is resolved; refused
 * again, it stays open with the new reason.
 */
export const createReplayMessage =
  (deps: ReplayMessageDeps) =>
  (command: DecisionCommand): Promise<DeadLetterView> =>
    answering(async () => {
      const soFar = await decisionSoFar(deps.database, command, 'replay');
      if (soFar.kind !== 'open') return answerOf(deps.database, soFar);
      const { deadLetter } = soFar;
      const outbound = deadLetter.direction === 'outbound';
      const handled = outbound ? await sendAgain(deps, deadLetter) : await handIn(deps.deliver, recordOf(deadLetter));
      const also = outbound && handled.kind === 'done' ? settleEvent : undefined;
      const decided = await recordDecision(deps.database, command, { action: 'replay', handled }, also);
      return answerOf(deps.database, decided);
    });

/** No answer yet is tried again, by Temporal: whether the message had its effect is not known until then. */
async function handIn(deliver: Deliver, record: IncomingRecord): Promise<Handled> {
  try {
    return await deliver(record);
  } catch (error) {
    throw noAnswer('The message has no answer yet, it is handed in again', error);
  }
}

/** Its stream waits for it meanwhile, so nothing can pass it; sent twice, it has the same id and bytes. */
async function sendAgain({ database, replaySink }: ReplayMessageDeps, deadLetter: DeadLetterRow): Promise<Handled> {
  await beginReplay(database, deadLetter);
  const event = await eventOf(database, deadLetter);
  if (event.publishedAt !== null) return { kind: 'done' };
  if (event.blockedBy !== event.id) throw noAnswer('Its stream does not wait for it, the relay is sending it');
  try {
    await replaySink.send([event]);
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof RefusedByBroker) return refusedBecause(event, error);
    throw noAnswer('The broker has not answered yet, the event is sent again', error);
  }
}

const noAnswer = (what: string, error?: unknown): ApplicationFailure =>
  ApplicationFailure.retryable(error instanceof Error ? `${what}: ${error.message}` : what, 'no_answer');
