import { INTERNAL_ERROR } from '../workflows/contract/common.ts';
import type { BillingRunInput, BillingRunProgress } from '../workflows/contract/billing-run.ts';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { type Load, givingWay } from '../commands/load.ts';
import { type Stopped, endRun, finalizeChunk } from '../billing-runs/run.ts';
import { isInfrastructureFailure } from '../platform/database.ts';
import { billingRunProgress } from '../billing-runs/reads.ts';
import type { StepDeps } from './run-step.ts';

/** Long enough that a run of thousands has few events, short enough that its page moves. */
const PIECE_MS = 3_000;
/** Drafts in one commit: enough to be quick, few enough that a caller who wants one of them waits hardly at all. */
export const CHUNK_MAX = 250;
const CHUNK_MIN = 16;
/** While callers are carried out here: such a chunk keeps the process busy for some milliseconds. */
const CHUNK_BESIDE_CALLERS = 32;

/**
 * Works on a billing run for a few seconds; a run without anything left is marked as ended. Fails when only drafts are
 * left that a bug stops: it is tried again, and its page says so until the bug is mended.
 */
export const createFinalizeDueDrafts =
  (deps: StepDeps & { runs: Load }) =>
  async (run: BillingRunInput): Promise<BillingRunProgress> => {
    const context = Context.current();
    const until = performance.now() + PIECE_MS;
    const stopped: Stopped = new Map();
    // On a busy machine a large commit may not meet its deadline; a small one will.
    let size = Math.max(CHUNK_MIN, Math.ceil(CHUNK_MAX / 2 ** (context.info.attempt - 1)));
    let done = 0;
    let failure: unknown;
    await givingWay(deps.load, async (callersWait) => {
      if (performance.now() >= until || context.cancellationSignal.aborted) return true;
      context.heartbeat();
      try {
        const stoppedBefore = stopped.size;
        deps.runs.note();
        const taken = await finalizeChunk(
          deps,
          run,
          callersWait ? Math.min(size, CHUNK_BESIDE_CALLERS) : size,
          stopped,
        );
        done += taken - (stopped.size - stoppedBefore);
        return taken === 0;
      } catch (error) {
        if (size <= CHUNK_MIN || !isInfrastructureFailure(error)) throw error;
        size = Math.ceil(size / 2);
        failure = error;
        return false;
      }
    });
    const progress = await billingRunProgress(deps.database, run);
    if (progress.left === 0) await endRun(deps.database, run);
    for (const [invoiceId, error] of stopped)
      deps.logger.error({ err: error, invoiceId }, 'a draft cannot be finalized for a reason that no retry can mend');
    // Without any progress the page must say why, and the next try must wait.
    if (done === 0 && failure !== undefined) throw failure;
    if (done === 0 && stopped.size > 0) throw stoppedBy(stopped);
    return progress;
  };

const stoppedBy = (stopped: Stopped): ApplicationFailure => {
  const [first] = stopped.keys();
  return ApplicationFailure.retryable(
    `Of the drafts that are left ${stopped.size} cannot be finalized, a bug stops them. The first is invoice ${first}; the log has the errors.`,
    INTERNAL_ERROR,
  );
};
