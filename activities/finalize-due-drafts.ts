import { Context } from '@temporalio/activity';
import { endRun, finalizeChunk } from '../commands/billing-run.ts';
import { isInfrastructureFailure } from '../platform/database.ts';
import { billingRunProgress } from '../queries/billing-run.ts';
import type { BillingRunInput, BillingRunProgress } from '../workflows/contract.ts';
import type { FinalizeDeps } from './finalize-invoice.ts';

/** Long enough that a run of thousands has few events, short enough that its page moves. */
const PIECE_MS = 3_000;
/** Drafts in one commit: enough to be quick, few enough that a caller who wants one of them waits hardly at all. */
const CHUNK_MAX = 250;
const CHUNK_MIN = 16;

/** Works on a billing run for a few seconds; a run without anything left is marked as ended. */
export const createFinalizeDueDrafts =
  (deps: FinalizeDeps) =>
  async (run: BillingRunInput): Promise<BillingRunProgress> => {
    const context = Context.current();
    const until = Date.now() + PIECE_MS;
    let size = CHUNK_MAX;
    while (Date.now() < until && !context.cancellationSignal.aborted) {
      context.heartbeat();
      try {
        if ((await finalizeChunk(deps, run, size)) === 0) break;
      } catch (error) {
        // On a busy machine a large commit may not meet its deadline; a small one will.
        if (size <= CHUNK_MIN || !isInfrastructureFailure(error)) throw error;
        size = Math.ceil(size / 2);
      }
    }
    const progress = await billingRunProgress(deps.database, run);
    if (progress.left === 0) await endRun(deps.database, run);
    return progress;
  };
