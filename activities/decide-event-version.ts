import type { DecideEventVersionInput, EventVersionView } from '../workflows/contract/event-version.ts';
import { ApplicationFailure } from '@temporalio/common';
import { answering } from './dead-letter-answers.ts';
import { refusalInWords } from '../commands/refusal.ts';
import { staffKey } from '../commands/staff-key.ts';
import type { TransactionDeps } from '../commands/transaction.ts';
import { decideEventVersion } from '../event-versions/commands.ts';
import type { TopicVersion } from '../event-versions/lines.ts';
import { viewOf } from '../event-versions/view.ts';
import { versionNamed } from './tend-event-version.ts';

export interface DecideEventVersionDeps extends TransactionDeps {
  versions: readonly TopicVersion[];
}

/** Carries out what staff have decided about a version, once. A refusal, or a bug, is not tried again. */
export const createDecideEventVersion =
  (deps: DecideEventVersionDeps) =>
  ({ topic, action, attemptId, actor, ...request }: DecideEventVersionInput): Promise<EventVersionView> =>
    answering(async () => {
      const { reason, sunset = null, force = false } = request;
      const of = versionNamed(deps.versions, topic);
      const asking = { key: staffKey(topic, attemptId), actor, acceptedAt: new Date().toISOString(), attemptId };
      const outcome = await decideEventVersion(deps, { action, of, reason, sunset, force }, asking);
      if (outcome.kind === 'refused') {
        const { refusal } = outcome;
        throw ApplicationFailure.nonRetryable(refusalInWords(refusal), refusal.code, refusal);
      }
      return viewOf(deps.database, of);
    });
