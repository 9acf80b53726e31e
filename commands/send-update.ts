/**
 * Sends an update to the workflow of an entity, which is started when it is not there, and waits for the answer, as
 * long as the caller waits.
 *
 * Always true:
 * 1. An answer of the workflow is told as it is. Every other failure means that the outcome is unknown: the same is
 *    sent again as a new attempt until the deadline, and never shown as the caller's mistake.
 * 2. One deadline covers everything: the wait for a slot, every attempt, the wait for the result.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Client,
  type WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from '../platform/logger.ts';
import { SpanKind, inSpan } from '../platform/tracing.ts';
import { newAttemptId } from './key.ts';
import { type Limiter, NoSlot, type Occupy } from './limiter.ts';

export interface SendDeps {
  client: Client;
  taskQueue: string;
  limiter: Limiter;
  logger: Logger;
  /** Told what came of each command. */
  onResult?: (step: string, result: string) => void;
}

/** An update on its way out. `Told` is what the failures mean that are answers. */
export interface OutgoingUpdate<Outcome> {
  workflowId: string;
  /** The name of the update. */
  name: string;
  request: (attemptId: string) => unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- of whatever workflow
  start: () => WithStartWorkflowOperation<any>;
  /** undefined: the failure says nothing about the outcome. */
  outcomeOf: (failure: ApplicationFailure) => Outcome | undefined;
}

export type Sent<Answer, Outcome> =
  | { kind: 'answered'; answer: Answer }
  | Outcome
  /** Accepted by the workflow, which will carry it out; no result before the deadline. */
  | { kind: 'pending'; attemptId: string }
  /** Nobody is known to have accepted it. Safe to send again. `because`: what the last try met. */
  | { kind: 'unknown'; because: unknown };

const PAUSE_FIRST_MS = 25;
const PAUSE_MAX_MS = 500;
/** A command without a result for so long is stuck, and waits for a person. */
const OCCUPIED_MAX_MS = 10 * 60_000;

/** `deadline` is in epoch milliseconds. */
export async function sendUpdate<Answer, Outcome extends { kind: string }>(
  deps: SendDeps,
  update: OutgoingUpdate<Outcome>,
  deadline: number,
): Promise<Sent<Answer, Outcome>> {
  const attributes = { 'billing.workflow_id': update.workflowId };
  return inSpan(`update ${update.name}`, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const sent = await whenThereIsRoom<Answer, Outcome>(deps, update, deadline);
    span.setAttribute('billing.result', sent.kind);
    return sent;
  });
}

async function whenThereIsRoom<Answer, Outcome extends { kind: string }>(
  deps: SendDeps,
  update: OutgoingUpdate<Outcome>,
  deadline: number,
): Promise<Sent<Answer, Outcome>> {
  try {
    return await deps.limiter.run(update.workflowId, deadline - Date.now(), (occupy) =>
      sendUntil<Answer, Outcome>(deps, update, deadline, occupy),
    );
  } catch (error) {
    if (error instanceof NoSlot) return { kind: 'unknown', because: error };
    throw error;
  }
}

/** No answer yet: the outcome is not known. */
export const isOpen = (result: { kind: string }): result is { kind: 'pending' | 'unknown' } =>
  result.kind === 'unknown' || result.kind === 'pending';

async function sendUntil<Answer, Outcome extends { kind: string }>(
  deps: SendDeps,
  update: OutgoingUpdate<Outcome>,
  deadline: number,
  occupy: Occupy,
): Promise<Sent<Answer, Outcome>> {
  let pauseMs = PAUSE_FIRST_MS;
  let last: Sent<Answer, Outcome> = {
    kind: 'unknown',
    because: new Error('The deadline was over before the first try.'),
  };
  while (Date.now() < deadline) {
    const result = await attempt<Answer, Outcome>(deps, update, deadline, occupy);
    if (!isOpen(result)) return result;
    if (result.kind === 'pending' || last.kind === 'unknown') last = result;
    if (Date.now() + pauseMs >= deadline) break;
    await pause(pauseMs);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
  }
  return last;
}

async function attempt<Answer, Outcome extends { kind: string }>(
  { client, logger }: SendDeps,
  { workflowId, name, request, start, outcomeOf }: OutgoingUpdate<Outcome>,
  deadline: number,
  occupy: Occupy,
): Promise<Sent<Answer, Outcome>> {
  const attemptId = newAttemptId();
  let accepted: WorkflowUpdateHandle<Answer> | undefined;
  try {
    const handle = await client.withDeadline(deadline, () =>
      client.workflow.startUpdateWithStart<() => Promise<unknown>, Answer, [unknown]>(name, {
        args: [request(attemptId)],
        updateId: attemptId,
        waitForStage: 'ACCEPTED',
        startWorkflowOperation: start(),
      }),
    );
    accepted = handle;
    return { kind: 'answered', answer: await client.withDeadline(deadline, () => handle.result()) };
  } catch (error) {
    const failure = failureIn(error);
    const outcome = failure && outcomeOf(failure);
    if (outcome) return outcome;
    logger.warn(
      { err: error, workflowId, attemptId, update: name, accepted: accepted !== undefined },
      'outcome of an attempt is unknown',
    );
    if (!accepted || Date.now() < deadline) return { kind: 'unknown', because: error };
    // The wait for its result ended with the deadline: it goes on without us, and is still in flight.
    const inFlight = accepted;
    occupy(client.withDeadline(Date.now() + OCCUPIED_MAX_MS, () => inFlight.result()));
    return { kind: 'pending', attemptId };
  }
}

/** What the workflow said, if it did. */
export const failureIn = (error: unknown): ApplicationFailure | undefined =>
  error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure ? error.cause : undefined;

/** Of an attempt that was stopped: who did it and why, and what that means. What to do now is for the caller's edge. */
export const stoppedDetail = (whoAndWhy: string): string =>
  `${whoAndWhy.replace(/\.+$/, '')}. Whether it was carried out is not known.`;
