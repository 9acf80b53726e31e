/** What looking at, or deciding about, a dead letter means to Temporal. */
import { INTERNAL_ERROR } from '../workflows/contract/common.ts';
import { DEAD_LETTER_NOT_FOUND, DEAD_LETTER_RESOLVED, type DeadLetterView } from '../workflows/contract/dead-letter.ts';
import { ApplicationFailure } from '@temporalio/common';
import { DecisionRefused } from '../dead-letters/blocked-event.ts';
import type { Decided } from '../dead-letters/resolve.ts';
import { type Database, isInfrastructureFailure } from '../platform/database.ts';
import { deadLetterView } from '../dead-letters/view.ts';

/** Runs `work`; what fails is an answer, something to try again, or a bug. */
export async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApplicationFailure) throw error;
    if (error instanceof DecisionRefused) throw ApplicationFailure.nonRetryable(error.message, error.type);
    if (isInfrastructureFailure(error))
      throw ApplicationFailure.retryable('The database did not answer; it is tried again.', 'infrastructure');
    throw ApplicationFailure.fromError(error, { type: INTERNAL_ERROR, nonRetryable: true });
  }
}

/** The dead letter after this decision. Throws when it cannot be decided any more. */
export async function answerOf(
  database: Database,
  decided: Exclude<Decided, { kind: 'open' }>,
): Promise<DeadLetterView> {
  if (decided.kind === 'decided') return deadLetterView(database, decided.deadLetter);
  if (decided.kind === 'not_found')
    throw ApplicationFailure.nonRetryable('There is no such dead letter.', DEAD_LETTER_NOT_FOUND);
  const { resolution, resolvedBy } = decided.deadLetter;
  const said = `It was ${resolution ?? 'decided'} by ${resolvedBy ?? 'somebody'}.`;
  throw ApplicationFailure.nonRetryable(said, DEAD_LETTER_RESOLVED, { resolution, resolvedBy });
}
