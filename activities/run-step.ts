/**
 * The activities of an invoice's steps, under the names of their definitions. Each carries a command out in its
 * transaction (commands/transaction.ts) and tells the workflow what a failure means: an answer, a bug, or something to
 * try again.
 */
import type { StepOutcome } from '../workflows/contract/invoice.ts';
import { INTERNAL_ERROR } from '../workflows/contract/common.ts';
import { ApplicationFailure } from '@temporalio/common';
import { refusalInWords } from '../commands/refusal.ts';
import type { Load } from '../commands/load.ts';
import { type TransactionDeps, carryOut } from '../commands/transaction.ts';
import { type StepSettings, commandOf } from '../invoices/commands.ts';
import { openAmountMinor } from '../invoices/invoice.ts';
import {
  type Action,
  type StepCommand,
  actions,
  definitionOf,
  type steps,
  type timedSteps,
} from '../invoices/lifecycle.ts';
import { timersOf } from '../invoices/timers.ts';
import { isInfrastructureFailure, violatedConstraint } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';

export interface StepDeps extends TransactionDeps, StepSettings {
  logger: Logger;
  load: Load;
}

type Definitions = typeof steps & typeof timedSteps;

/** By the names under which the Web UI shows them. */
export type StepActivities = {
  [A in Action as Definitions[A]['activity']]: (command: StepCommand<A>) => Promise<StepOutcome>;
};

export const createStepActivities = (deps: StepDeps): StepActivities =>
  Object.fromEntries(
    actions.map((action) => [definitionOf(action).activity, (command: StepCommand) => runStep(deps, action, command)]),
  ) as unknown as StepActivities;

/**
 * Carries a command out, once. Throws ApplicationFailure: non-retryable with a refusal in words, its code as type and
 * the Refusal as its detail; non-retryable `internal_error` for a bug; retryable when infrastructure failed.
 */
export async function runStep(deps: StepDeps, step: Action, command: StepCommand): Promise<StepOutcome> {
  deps.load.note();
  const outcome = await carryOutOne(deps, step, command);
  if (outcome.kind === 'refused') {
    const { refusal } = outcome;
    throw ApplicationFailure.nonRetryable(refusalInWords(refusal), refusal.code, refusal);
  }
  if (outcome.kind === 'replayed') return { invoice: outcome.answer, done: null };
  const { state, reason, answer } = outcome;
  const { version, status } = state;
  return {
    invoice: answer,
    done: {
      entry: { version, action: step, at: command.acceptedAt, actor: command.actor, status, reason },
      openAmountMinor: openAmountMinor(state),
      timers: timersOf(state),
    },
  };
}

async function carryOutOne(deps: StepDeps, step: Action, command: StepCommand) {
  try {
    const [outcome] = await carryOut(deps, commandOf(step, deps), [command]);
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
