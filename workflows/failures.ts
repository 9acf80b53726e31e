/** What a workflow refuses, and what the failure of a step's activity means to the workflow that asked for it. */
import { INTERNAL_ERROR } from './contract/common.ts';
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { isInvoiceRefusal } from '../invoices/refusals.ts';

/** What was sent, or started, by hand is not as it must be; the message is all that staff are shown. */
export const malformed = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, 'malformed_request');

/**
 * An activity on the task queue fails with an ActivityFailure around its own error, a local one with that error itself.
 */
function failureOf(error: unknown): ApplicationFailure | undefined {
  const own = error instanceof ActivityFailure ? error.cause : error;
  return own instanceof ApplicationFailure ? own : undefined;
}

/** Refusals and bugs are answers; everything else means that the outcome is not known. */
export function isAnswer(error: unknown): boolean {
  const type = failureOf(error)?.type;
  return isInvoiceRefusal(type) || type === INTERNAL_ERROR;
}

/** What a handler may throw: only an ApplicationFailure fails the update and not the workflow task. */
export function answerable(error: unknown): ApplicationFailure {
  const failure = failureOf(error);
  if (failure) return ApplicationFailure.nonRetryable(failure.message, failure.type, ...(failure.details ?? []));
  return ApplicationFailure.nonRetryable('The command ended for an unexpected reason.', INTERNAL_ERROR);
}
