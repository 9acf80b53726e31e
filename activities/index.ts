/** Every activity, by the name under which the Web UI shows it. */
import { createLoad } from '../commands/load.ts';
import { startSoon } from '../dead-letters/open.ts';
import { createDecideEventVersion } from './decide-event-version.ts';
import { createDecideLetters } from './decide-letters.ts';
import { createDecideEventReplay } from './decide-event-replay.ts';
import { createDiscardMessage } from './discard-message.ts';
import { type EditMessageDeps, createEditMessage } from './edit-message.ts';
import { createEscalateDeadLetter } from './escalate-dead-letter.ts';
import { createLoadDeadLetter } from './load-dead-letter.ts';
import { createLoadInvoice } from './load-invoice.ts';
import { type PublishBatchDeps, createPublishBatch } from './publish-batch.ts';
import { type PruneDeps, createPruneHistory } from './prune-history.ts';
import { type ReplayMessageDeps, createReplayMessage } from './replay-message.ts';
import { type ReconcileDeps, createReconcileWorkflows } from './reconcile-workflows.ts';
import { type StepDeps, createStepActivities } from './run-step.ts';
import { createFinalizeDueDrafts } from './finalize-due-drafts.ts';
import { type TendDeps, createTendEventVersion } from './tend-event-version.ts';
import { type ReplayPieceDeps, createSendReplayPiece } from './send-replay-piece.ts';
import { failingWellFormed } from './well-formed.ts';
import { createWithholdEvent } from './withhold-event.ts';

export type ActivityDeps = Omit<StepDeps, 'notify' | 'load'> &
  PublishBatchDeps &
  Omit<ReconcileDeps, 'load' | 'runs'> &
  Omit<PruneDeps, 'load'> &
  Omit<TendDeps, 'load' | 'notify'> &
  ReplayMessageDeps &
  Omit<ReplayPieceDeps, 'environment'> &
  EditMessageDeps;

export const createActivities = (deps: ActivityDeps) => {
  const [load, runs] = [createLoad(), createLoad()];
  const stepDeps = { ...deps, notify: deps.notifier.notify, load };
  return failingWellFormed({
    ...createStepActivities(stepDeps),
    loadInvoice: createLoadInvoice(deps),
    loadDeadLetter: createLoadDeadLetter(deps),
    replayMessage: createReplayMessage(deps),
    editMessage: createEditMessage(deps),
    discardMessage: createDiscardMessage(deps),
    withholdEvent: createWithholdEvent(deps),
    escalateDeadLetter: createEscalateDeadLetter(deps),
    sendReplayPiece: createSendReplayPiece({ ...deps, environment: deps.wire.environment }),
    decideEventReplay: createDecideEventReplay(deps),
    decideLetters: createDecideLetters(deps),
    publishBatch: createPublishBatch({
      ...deps,
      onDeadLetter: (id) => void startSoon({ ...deps.send, ...deps }, id),
    }),
    sendWakeups: createReconcileWorkflows({ ...deps, load, runs }),
    pruneHistory: createPruneHistory({ ...deps, load }),
    tendEventVersion: createTendEventVersion(stepDeps),
    decideEventVersion: createDecideEventVersion(stepDeps),
    finalizeDueDrafts: createFinalizeDueDrafts({ ...stepDeps, runs }),
  });
};

export type Activities = ReturnType<typeof createActivities>;
export type ActivityName = keyof Activities;
