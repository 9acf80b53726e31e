/** Sends a person's decision to its replay's workflow (commands/send-update.ts). */
import { WithStartWorkflowOperation } from '@temporalio/client';
import { WorkflowIdConflictPolicy, type ApplicationFailure } from '@temporalio/common';
import { newAttemptId } from '../commands/key.ts';
import { type SendDeps, type Sent, sendUpdate } from '../commands/send-update.ts';
import { traced } from '../platform/tracing.ts';
import { INTERNAL_ERROR, workflowTypes } from '../workflows/contract/common.ts';
import {
  REPLAY_DECISION_REFUSED,
  type ReplayDecisionAnswer,
  type ReplayDecisionRequest,
  eventReplayWorkflowId,
} from '../workflows/contract/event-replay.ts';
import type { ReplayAction } from './replay.ts';
import type { ReplayRow } from './rows.ts';
import { startOptions } from './workflow.ts';

type Outcome =
  /** It does not fit what the replay is; nothing was recorded. */
  | { kind: 'refused'; detail: string }
  /** A bug stopped it; nothing was recorded. */
  | { kind: 'failed' };

export type ReplayDecisionResult = Sent<ReplayDecisionAnswer, Outcome>;

/** `deadline` is in epoch milliseconds. Every attempt sends the same decision: it counts once. */
export function sendReplayDecision(
  deps: SendDeps,
  replay: ReplayRow,
  action: ReplayAction,
  request: ReplayDecisionRequest,
  deadline: number,
): Promise<ReplayDecisionResult> {
  const decision = { decisionId: newAttemptId(), ...request };
  const options = {
    ...startOptions(deps.taskQueue, replay),
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  };
  return sendUpdate<ReplayDecisionAnswer, Outcome>(
    deps,
    {
      workflowId: eventReplayWorkflowId(replay.id),
      name: action,
      request: () => ({ ...decision, ...traced() }),
      start: () => new WithStartWorkflowOperation(workflowTypes.eventReplay, options),
      outcomeOf,
    },
    deadline,
  );
}

function outcomeOf({ type, message }: ApplicationFailure): Outcome | undefined {
  switch (type) {
    case REPLAY_DECISION_REFUSED:
      return { kind: 'refused', detail: message };
    case INTERNAL_ERROR:
    case 'malformed_request':
      return { kind: 'failed' };
    default:
      return undefined;
  }
}
