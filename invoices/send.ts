/**
 * Sends a command to its invoice's workflow and waits for the answer, as long as the caller waits.
 *
 * Always true:
 * 1. A refusal or a stored answer is told as it is, and so is that a person has stopped the attempt. Every other failure
 *    means that the outcome is unknown: the same key is sent again as a new attempt until the deadline, and never shown
 *    as the caller's mistake.
 * 2. One deadline covers everything: the gate, every attempt, the wait for the result.
 */
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import { ApplicationFailure, WorkflowIdConflictPolicy } from '@temporalio/common';
import { type Refusal, isRefusalCode } from '../commands/refusal.ts';
import type { StepBodies } from './invoice.ts';
import type { Step } from './lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import {
  ABANDONED,
  INTERNAL_ERROR,
  type InvoiceEnd,
  type InvoiceInput,
  type StepAnswer,
  type StepRequest,
  WAKE,
  WORKFLOW_TASK_TIMEOUT_MS,
  invoiceWorkflowId,
  searchAttributes,
  workflowTypes,
} from '../workflows/contract.ts';
import { type Gate, GateClosed, type Hold } from '../commands/limiter.ts';
import { newAttemptId } from '../commands/key.ts';

export interface SendDeps {
  client: Client;
  taskQueue: string;
  gate: Gate;
  logger: Logger;
  /** Told what came of each command. */
  onResult?: (step: Step, result: SendResult['kind']) => void;
}

/** A command on its way out. `key` and `fingerprint` are made by commands/key.ts. */
export interface OutgoingCommand<S extends Step = Step> extends InvoiceInput {
  step: S;
  body: StepBodies[S];
  actor: string;
  key: string;
  fingerprint: string;
  acceptedAt: string;
  expectedVersion: number | null;
}

export type SendResult =
  | ({ kind: 'answered' } & StepAnswer)
  | { kind: 'refused'; refusal: Refusal }
  /** A bug stopped the command; nothing was changed. */
  | { kind: 'failed' }
  /** A person has stopped the attempt, and `detail` says who and why; whether it was carried out is not known. */
  | { kind: 'stopped'; detail: string }
  /** Accepted by the workflow, which will carry it out; no result before the deadline. */
  | { kind: 'pending'; attemptId: string }
  /** Nobody is known to have accepted it. Safe to send again with the same key. `because`: what the last try met. */
  | { kind: 'unknown'; because: unknown };

const PAUSE_FIRST_MS = 25;
const PAUSE_MAX_MS = 500;
/** A command without a result for so long is stuck, and waits for a person. */
const HELD_MAX_MS = 10 * 60_000;

export async function sendCommand(deps: SendDeps, command: OutgoingCommand, deadline: number): Promise<SendResult> {
  const result = await throughGate(deps, command, deadline);
  deps.onResult?.(command.step, result.kind);
  return result;
}

async function throughGate(deps: SendDeps, command: OutgoingCommand, deadline: number): Promise<SendResult> {
  const workflowId = invoiceWorkflowId(command.tenantId, command.invoiceId);
  try {
    return await deps.gate.run(workflowId, deadline - Date.now(), (hold) =>
      sendUntil(deps, command, workflowId, deadline, hold),
    );
  } catch (error) {
    if (error instanceof GateClosed) return { kind: 'unknown', because: error };
    throw error;
  }
}

async function sendUntil(
  deps: SendDeps,
  command: OutgoingCommand,
  workflowId: string,
  deadline: number,
  hold: Hold,
): Promise<SendResult> {
  let pauseMs = PAUSE_FIRST_MS;
  let last: SendResult = { kind: 'unknown', because: new Error('The deadline was over before the first try.') };
  while (Date.now() < deadline) {
    const result = await attempt(deps, command, workflowId, deadline, hold);
    if (result.kind !== 'unknown' && result.kind !== 'pending') return result;
    if (result.kind === 'pending' || last.kind === 'unknown') last = result;
    if (Date.now() + pauseMs >= deadline) break;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
  }
  return last;
}

async function attempt(
  deps: SendDeps,
  command: OutgoingCommand,
  workflowId: string,
  deadline: number,
  hold: Hold,
): Promise<SendResult> {
  const attemptId = newAttemptId();
  const { client, logger } = deps;
  let accepted: WorkflowUpdateHandle<StepAnswer> | undefined;
  try {
    const handle = await client.withDeadline(deadline, () =>
      client.workflow.startUpdateWithStart<() => Promise<InvoiceEnd>, StepAnswer, [StepRequest]>(command.step, {
        args: [requestOf(command, attemptId)],
        updateId: attemptId,
        waitForStage: 'ACCEPTED',
        startWorkflowOperation: startOperation(deps, command),
      }),
    );
    accepted = handle;
    return { kind: 'answered', ...(await client.withDeadline(deadline, () => handle.result())) };
  } catch (error) {
    const told = toldBy(error);
    if (told) return told;
    logger.warn(
      { err: error, workflowId, attemptId, step: command.step, accepted: accepted !== undefined },
      'outcome of an attempt is unknown',
    );
    if (!accepted || Date.now() < deadline) return { kind: 'unknown', because: error };
    // The wait for its result ended with the deadline: it goes on without us, and is still in flight.
    const inFlight = accepted;
    hold(client.withDeadline(Date.now() + HELD_MAX_MS, () => inFlight.result()));
    return { kind: 'pending', attemptId };
  }
}

const requestOf = (command: OutgoingCommand, attemptId: string): StepRequest => ({
  actor: command.actor,
  body: command.body,
  expectedVersion: command.expectedVersion,
  identity: { key: command.key, fingerprint: command.fingerprint, attemptId, acceptedAt: command.acceptedAt },
});

/** How an invoice's workflow is started, whoever has something for it. */
export const invoiceStart = (taskQueue: string, { tenantId, invoiceId }: InvoiceInput) => ({
  workflowId: invoiceWorkflowId(tenantId, invoiceId),
  taskQueue,
  args: [{ tenantId, invoiceId }] satisfies [InvoiceInput],
  workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
  staticSummary: `Invoice ${invoiceId}`,
  staticDetails: STATIC_DETAILS,
  typedSearchAttributes: [{ key: searchAttributes.billingTenant, value: tenantId }],
});

const startOperation = ({ taskQueue }: SendDeps, command: OutgoingCommand) =>
  new WithStartWorkflowOperation(workflowTypes.invoice, {
    ...invoiceStart(taskQueue, command),
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });

/** Makes an invoice's workflow look at Postgres again, and starts it when there is none. */
export const wakeInvoice = (deps: SendDeps, input: InvoiceInput): Promise<unknown> =>
  deps.client.workflow.signalWithStart(workflowTypes.invoice, {
    ...invoiceStart(deps.taskQueue, input),
    signal: WAKE,
    signalArgs: [],
  });

const STATIC_DETAILS = [
  'One invoice, from draft to paid or cancelled. Postgres holds the truth: terminating or resetting this workflow loses nothing, the next command starts it again.',
  '',
  'To mend something, send an update (More Actions, Send an Update): `cancel`, `pay`, `finalize`, `update`, or `abandon` for a command that is stuck. Request Cancellation changes nothing.',
].join('\n');

/** What the workflow answered, when its failure is an answer; undefined when the outcome is unknown. */
export function toldBy(error: unknown): SendResult | undefined {
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure)) return undefined;
  const { type, details, message } = error.cause;
  if (isRefusalCode(type))
    return {
      kind: 'refused',
      refusal: (details?.[0] as Refusal | undefined) ?? { code: type, detail: message, members: {} },
    };
  if (type === ABANDONED) return { kind: 'stopped', detail: stoppedDetail(message) };
  return type === INTERNAL_ERROR || type === 'malformed_request' ? { kind: 'failed' } : undefined;
}

/** Of an attempt that was stopped: who did it and why, and what that means. What to do now is for the caller's edge. */
export const stoppedDetail = (whoAndWhy: string): string =>
  `${whoAndWhy.replace(/\.+$/, '')}. Whether it was carried out is not known.`;
