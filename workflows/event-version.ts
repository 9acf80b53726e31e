/**
 * The page of a version of a topic: what was decided, who reads it, and what may be pressed. It is always open. The row
 * in Postgres is the truth.
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
import { type DecisionName, decisionNames } from '../event-versions/stage.ts';
import type { EventVersionInput, EventVersionRequest, EventVersionView } from './contract/event-version.ts';
import { eventVersionDetails, howTo } from './event-version-details.ts';
import { checkEventVersionRequest } from './event-version-requests.ts';
import { answerable } from './failures.ts';
import { checkEventVersionStart } from './inputs.ts';
import { relaying, untilItWorks } from './profiles.ts';

const { tendEventVersion } = proxyActivities<Activities>(relaying);
const { decideEventVersion } = proxyActivities<Activities>(untilItWorks);

const LOOKS_MAX = 500;

export async function eventVersion(input: EventVersionInput): Promise<void> {
  checkEventVersionStart(input);
  let view: EventVersionView | null = null as EventVersionView | null;

  const decide = (action: DecisionName, request: EventVersionRequest): Promise<string> =>
    CancellationScope.nonCancellable(async () => {
      const attemptId = currentUpdateInfo()?.id ?? '';
      try {
        const next = await decideEventVersion({ ...input, ...request, action, attemptId });
        show(next);
        return `${input.topic} is ${next.stage}.`;
      } catch (error) {
        throw answerable(error);
      }
    });

  function show(next: EventVersionView): void {
    view = next;
    setCurrentDetails(eventVersionDetails(next));
  }

  for (const action of decisionNames) {
    setHandler(defineUpdate<string, [EventVersionRequest]>(action), (request) => decide(action, request), {
      validator: (request) => checkEventVersionRequest(action, request),
      description: howTo(action),
    });
  }
  return CancellationScope.nonCancellable(async () => {
    for (let looks = 0; looks < LOOKS_MAX && !workflowInfo().continueAsNewSuggested; looks += 1)
      show(await tendEventVersion({ ...input, seen: view?.version ?? null, progress: view?.progress ?? null }));
    await condition(allHandlersFinished);
    await continueAsNew<typeof eventVersion>(input);
  });
}
