/**
 * A step of an invoice as an activity: carries the command out in its transaction (commands/transaction.ts) and tells
 * the workflow what a failure means: an answer, a bug, or something to try again.
 */
import { ApplicationFailure } from '@temporalio/common';
import { type TransactionDeps, carryOut } from '../commands/transaction.ts';
import { type InvoicePlan, invoicePlan } from '../invoices/commands.ts';
import { openAmountMinor } from '../invoices/invoice.ts';
import { refusalInWords } from '../commands/refusal.ts';
import type { Action } from '../invoices/lifecycle.ts';
import { timersOf } from '../invoices/timers.ts';
import { isInfrastructureFailure, violatedConstraint } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { INTERNAL_ERROR, type StepCommand, type StepOutcome } from '../workflows/contract.ts';

export interface StepDeps extends TransactionDeps {
  logger: Logger;
}

/**
 * Carries a command out, once. Throws ApplicationFailure: non-retryable with a refusal in words, its code as type and
 * the Refusal as its detail; non-retryable `internal_error` for a bug; retryable when infrastructure failed.
 */
export async function runStep<S extends Action>(
  deps: StepDeps,
  step: S,
  command: StepCommand<S>,
  extras: Partial<InvoicePlan<S>> = {},
): Promise<StepOutcome> {
  const outcome = await carryOutOne(deps, step, command, extras);
  if (outcome.kind === 'refused') {
    const { refusal } = outcome;
    throw ApplicationFailure.nonRetryable(refusalInWords(refusal), refusal.code, refusal);
  }
  if (outcome.kind === 'replayed') return { invoice: outcome.answer, done: null };
  const { state, event, answer } = outcome;
  const { version, status } = state;
  const reason = 'reason' in event ? event.reason : null;
  return {
    invoice: answer,
    done: {
      entry: { version, action: step, at: command.acceptedAt, actor: command.actor, status, reason },
      openAmountMinor: openAmountMinor(state),
      timers: timersOf(state),
    },
  };
}

async function carryOutOne<S extends Action>(
  deps: StepDeps,
  step: S,
  command: StepCommand<S>,
  extras: Partial<InvoicePlan<S>>,
) {
  try {
    const [outcome] = await carryOut(deps, { ...invoicePlan(step), ...extras }, [command]);
    if (!outcome) throw new TypeError('A command came back without an outcome.');
    return outcome;
  } catch (error) {
    throw failureOf(deps, error, step, command);
  }
}

/** Tells what a failed transaction means to Temporal. */
function failureOf(
  { logger }: { logger: Logger },
  error: unknown,
  step: string,
  { tenantId, invoiceId, attemptId }: StepCommand,
): ApplicationFailure {
  const context = { err: error, step, tenantId, invoiceId, attemptId };
  // A violated constraint means that somebody was quicker: decided again, it comes out right.
  if (isInfrastructureFailure(error) || violatedConstraint(error) !== undefined) {
    logger.warn(context, 'a step could not reach its commit, it will be tried again');
    return ApplicationFailure.retryable(
      'The database did not carry the step out; it is tried again.',
      'infrastructure',
    );
  }
  logger.error(context, 'a step failed for a reason that no retry can mend');
  return ApplicationFailure.nonRetryable(
    'The step failed for an unexpected reason; nothing was changed.',
    INTERNAL_ERROR,
  );
}
