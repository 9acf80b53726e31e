import { ApplicationFailure } from '@temporalio/common';
import { decideReplay } from '../event-replays/decide.ts';
import { replayView } from '../event-replays/rows.ts';
import type { Database } from '../platform/database.ts';
import {
  EVENT_REPLAY_NOT_FOUND,
  type EventReplayView,
  REPLAY_DECISION_REFUSED,
  type ReplayDecision,
} from '../workflows/contract/event-replay.ts';
import { answering } from './dead-letter-answers.ts';

/** Pauses a replay, lets it go on, or ends it. */
export const createDecideEventReplay =
  ({ database }: { database: Database }) =>
  (decision: ReplayDecision): Promise<EventReplayView> =>
    answering(async () => {
      const decided = await decideReplay(database, decision);
      if (decided.kind === 'not_found')
        throw ApplicationFailure.nonRetryable('There is no such replay.', EVENT_REPLAY_NOT_FOUND);
      if (decided.kind === 'refused')
        throw ApplicationFailure.nonRetryable(
          `The replay is ${decided.replay.status}: ${decision.action} does not fit.`,
          REPLAY_DECISION_REFUSED,
        );
      return replayView(database, decided.replay);
    });
