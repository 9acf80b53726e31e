/**
 * Sends a decision to its dead letter's workflow and waits for the answer, as long as the caller waits. A failure that
 * is no answer means that the outcome is unknown: the same decision is sent again, until the deadline.
 */
import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { DeadLetterVerb } from './dead-letter.ts';
import type { DeadLetterRow } from './rows.ts';
import {
  ABANDONED,
  DEAD_LETTER_RESOLVED,
  DECISION_REFUSED,
  type DeadLetterEnd,
  type DeadLetterInput,
  type DecisionAnswer,
  type DecisionRequest,
  INTERNAL_ERROR,
  PAYLOAD_REFUSED,
  deadLetterWorkflowId,
  workflowTypes,
} from '../workflows/contract.ts';
import { startOptions } from './open.ts';
import { GateClosed } from '../commands/limiter.ts';
import { newAttemptId } from '../commands/key.ts';
import { type SendDeps, stoppedDetail } from '../invoices/send.ts';

export type DecisionResult =
  | { kind: 'decided'; answer: DecisionAnswer }
  /** Another decision was first. */
  | { kind: 'resolved' }
  /** It does not fit the letter, or the payload the event; nothing was recorded. */
  | { kind: 'refused'; because: typeof DECISION_REFUSED | typeof PAYLOAD_REFUSED; detail: string }
  /** A bug stopped it; nothing was recorded. */
  | { kind: 'failed' }
  /** A person has stopped the attempt, and `detail` says who and why; whether it was carried out is not known. */
  | { kind: 'stopped'; detail: string }
  /** No answer in time. */
  | { kind: 'unknown' };

const PAUSE_MS = 200;

export async function sendDecision(
  deps: SendDeps,
  letter: DeadLetterRow,
  verb: DeadLetterVerb,
  request: DecisionRequest,
  deadline: number,
): Promise<DecisionResult> {
  const decision = { decisionId: newAttemptId(), ...request };
  const send = async () => {
    while (Date.now() < deadline) {
      const result = await attempt(deps, letter, verb, decision, deadline);
      if (result) return result;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return { kind: 'unknown' } as const;
  };
  try {
    return await deps.gate.run(deadLetterWorkflowId(letter.id), deadline - Date.now(), send);
  } catch (error) {
    if (error instanceof GateClosed) return { kind: 'unknown' };
    throw error;
  }
}

/** The answer of one attempt; undefined when the decision must be sent again. */
async function attempt(
  { client, taskQueue, logger }: SendDeps,
  letter: DeadLetterRow,
  verb: DeadLetterVerb,
  decision: DecisionRequest,
  deadline: number,
): Promise<DecisionResult | undefined> {
  try {
    const answer = await client.withDeadline(deadline, () =>
      client.workflow.executeUpdateWithStart<
        (input: DeadLetterInput) => Promise<DeadLetterEnd>,
        DecisionAnswer,
        [DecisionRequest]
      >(verb, {
        args: [decision],
        updateId: newAttemptId(),
        startWorkflowOperation: new WithStartWorkflowOperation(
          workflowTypes.deadLetter,
          startOptions(taskQueue, letter),
        ),
      }),
    );
    return { kind: 'decided', answer };
  } catch (error) {
    const told = toldBy(error);
    if (!told) logger.warn({ err: error, deadLetterId: letter.id, verb }, 'outcome of a decision is unknown');
    return told;
  }
}

function toldBy(error: unknown): DecisionResult | undefined {
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) return undefined;
  const { type, message } = error.cause;
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
