/**
 * Events sent once more, to one subscriber's topic. The activity sends them in bounded pieces; Postgres holds how far it
 * is and whether it rests, so a replay that is terminated goes on as it was: it is started again.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type ReplayAction, isOpenReplay, replayActionNames, replayActions } from '../event-replays/replay.ts';
import type {
  EventReplayEnd,
  EventReplayInput,
  EventReplayView,
  ReplayDecisionAnswer,
  ReplayDecisionRequest,
} from './contract/event-replay.ts';
import { eventReplayDetails } from './event-replay-details.ts';
import { answerable } from './failures.ts';
import { checkReplayDecision } from './event-replay-requests.ts';
import { checkEventReplayStart } from './inputs.ts';
import { inPieces, untilItWorks } from './profiles.ts';

const { sendReplayPiece } = proxyActivities<Activities>(inPieces);
const { decideEventReplay } = proxyActivities<Activities>(untilItWorks);

/** What a run knows: a decision may have changed the replay while a piece was on its way. */
interface Run {
  input: EventReplayInput;
  decided: boolean;
}

export async function eventReplay(input: EventReplayInput): Promise<EventReplayEnd> {
  checkEventReplayStart(input);
  const run: Run = { input, decided: false };
  for (const action of replayActionNames) {
    setHandler(
      defineUpdate<ReplayDecisionAnswer, [ReplayDecisionRequest]>(action),
      (request) => decide(run, action, request),
      {
        validator: checkReplayDecision,
        description: `${replayActions[action].summary}: ${JSON.stringify({ actor: 'you', ...replayActions[action].example })}`,
      },
    );
  }
  return CancellationScope.nonCancellable(() => mainLine(run));
}

async function mainLine(run: Run): Promise<EventReplayEnd> {
  for (;;) {
    run.decided = false;
    const view = await sendReplayPiece(run.input);
    const hasEnded = view === null || !isOpenReplay(view.status);
    if (hasEnded || !run.decided) setCurrentDetails(eventReplayDetails(view));
    if (hasEnded) {
      await condition(allHandlersFinished);
      return { ended: view?.status ?? 'abandoned' };
    }
    if (view?.status === 'paused') await condition(() => run.decided);
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished())
      await continueAsNew<typeof eventReplay>(run.input);
  }
}

const decide = (
  run: Run,
  action: ReplayAction,
  { actor, reason, decisionId = currentUpdateInfo()?.id ?? '', traceparent }: ReplayDecisionRequest,
): Promise<ReplayDecisionAnswer> =>
  CancellationScope.nonCancellable(async () => {
    const decision = { ...run.input, action, actor, reason, decisionId, ...(traceparent ? { traceparent } : {}) };
    try {
      const view = await decideEventReplay(decision);
      show(run, view);
      return { status: view.status, sent: view.sent };
    } catch (error) {
      throw answerable(error);
    }
  });

function show(run: Run, view: EventReplayView): void {
  run.decided = true;
  setCurrentDetails(eventReplayDetails(view));
}
