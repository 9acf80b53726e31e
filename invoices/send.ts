/**
 * Sends a command to its invoice's workflow. A refusal or a stored answer is told as it is (commands/send-update.ts).
 */
import {
  type InvoiceInput,
  type StepAnswer,
  type StepRequest,
  invoiceWorkflowId,
} from '../workflows/contract/invoice.ts';
import { ABANDONED, INTERNAL_ERROR, workflowTypes } from '../workflows/contract/common.ts';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { type ApplicationFailure, WorkflowIdConflictPolicy } from '@temporalio/common';
import type { Refusal } from '../commands/refusal.ts';
import { type SendDeps, type Sent, sendUpdate, stoppedDetail } from '../commands/send-update.ts';
import { loggedAs } from '../platform/logger.ts';
import { traced } from '../platform/tracing.ts';
import type { Step, StepBodies } from './lifecycle.ts';
import { invoiceStart } from './workflow.ts';
import { isInvoiceRefusal } from './refusals.ts';

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

type Outcome =
  | { kind: 'refused'; refusal: Refusal }
  /** A bug stopped the command; nothing was changed. */
  | { kind: 'failed' }
  /** A person has stopped the attempt, and `detail` says who and why; whether it was carried out is not known. */
  | { kind: 'stopped'; detail: string };

export type SendResult = Sent<StepAnswer, Outcome>;

/** `deadline` is in epoch milliseconds. */
export const sendCommand = (deps: SendDeps, command: OutgoingCommand, deadline: number): Promise<SendResult> =>
  loggedAs({ commandKey: command.key }, () => sendStep(deps, command, deadline));

async function sendStep(deps: SendDeps, command: OutgoingCommand, deadline: number): Promise<SendResult> {
  const { step, tenantId, invoiceId } = command;
  const result = await sendUpdate<StepAnswer, Outcome>(
    deps,
    {
      workflowId: invoiceWorkflowId(tenantId, invoiceId),
      name: step,
      request: (attemptId) => requestOf(command, attemptId),
      start: () =>
        new WithStartWorkflowOperation(workflowTypes.invoice, {
          ...invoiceStart(deps.taskQueue, { tenantId, invoiceId }),
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        }),
      outcomeOf,
    },
    deadline,
  );
  deps.onResult?.(step, result.kind);
  return result;
}

const requestOf = (command: OutgoingCommand, attemptId: string): StepRequest => ({
  actor: command.actor,
  body: command.body,
  expectedVersion: command.expectedVersion,
  identity: {
    key: command.key,
    fingerprint: command.fingerprint,
    attemptId,
    acceptedAt: command.acceptedAt,
    ...traced(),
  },
});

/** What the workflow answered, when its failure is an answer; undefined when the outcome is unknown. */
export function outcomeOf({ type, details, message }: ApplicationFailure): Outcome | undefined {
  if (isInvoiceRefusal(type))
    return {
      kind: 'refused',
      refusal: (details?.[0] as Refusal | undefined) ?? { code: type, detail: message, members: {} },
    };
  if (type === ABANDONED) return { kind: 'stopped', detail: stoppedDetail(message) };
  return type === INTERNAL_ERROR || type === 'malformed_request' ? { kind: 'failed' } : undefined;
}
