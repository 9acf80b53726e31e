/** Sends a person's decision to its dead letter's workflow (commands/send-update.ts). */
import {
  DEAD_LETTER_RESOLVED,
  DECISION_REFUSED,
  type DecisionAnswer,
  type DecisionRequest,
  PAYLOAD_REFUSED,
  deadLetterWorkflowId,
} from '../workflows/contract/dead-letter.ts';
import { ABANDONED, INTERNAL_ERROR, workflowTypes } from '../workflows/contract/common.ts';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { newAttemptId } from '../commands/key.ts';
import { type SendDeps, type Sent, sendUpdate, stoppedDetail } from '../commands/send-update.ts';
import type { DeadLetterAction } from './dead-letter.ts';
import { traced } from '../platform/tracing.ts';
import { startOptions } from './workflow.ts';
import type { DeadLetterRow } from './rows.ts';

type Outcome =
  /** Another decision was first. */
  | { kind: 'resolved' }
  /** It does not fit the dead letter, or the payload the event; nothing was recorded. */
  | { kind: 'refused'; because: typeof DECISION_REFUSED | typeof PAYLOAD_REFUSED; detail: string }
  /** A bug stopped it; nothing was recorded. */
  | { kind: 'failed' }
  /** A person has stopped the attempt, and `detail` says who and why; whether it was carried out is not known. */
  | { kind: 'stopped'; detail: string };

export type DecisionResult = Sent<DecisionAnswer, Outcome>;

/** `deadline` is in epoch milliseconds. Every attempt sends the same decision: it counts once. */
export function sendDecision(
  deps: SendDeps,
  deadLetter: DeadLetterRow,
  action: DeadLetterAction,
  request: DecisionRequest,
  deadline: number,
): Promise<DecisionResult> {
  const decision = { decisionId: newAttemptId(), ...request };
  return sendUpdate<DecisionAnswer, Outcome>(
    deps,
    {
      workflowId: deadLetterWorkflowId(deadLetter.id),
      name: action,
      request: () => ({ ...decision, ...traced() }),
      start: () => new WithStartWorkflowOperation(workflowTypes.deadLetter, startOptions(deps.taskQueue, deadLetter)),
      outcomeOf,
    },
    deadline,
  );
}

function outcomeOf({ type, message }: ApplicationFailure): Outcome | undefined {
  switch (type) {
    case DECISION_REFUSED:
    case PAYLOAD_REFUSED:
      return { kind: 'refused', because: type, detail: message };
    case DEAD_LETTER_RESOLVED:
      return { kind: 'resolved' };
    case ABANDONED:
      return { kind: 'stopped', detail: stoppedDetail(message) };
    case INTERNAL_ERROR:
    case 'malformed_request':
      return { kind: 'failed' };
    default:
      return undefined;
  }
}
