import type { PruneInput, PruneReport } from '../workflows/contract/retention.ts';
import { Context } from '@temporalio/activity';
import { type Load, givingWay } from '../commands/load.ts';
import { pruneEvents } from '../messaging/prune.ts';
import type { Database } from '../platform/database.ts';

/** So long that a million events have few entries in the history of the workflow. */
const PIECE_MS = 20_000;
/** Nobody waits for it: while callers do, it has a twentieth of the time. */
const PAUSE_SHARE = 19;
const DAY_MS = 24 * 60 * 60_000;
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);
/** Counts of deprecated operations (access/deprecated-use.ts): the same season of the year before can be compared. */
const USES_KEPT_DAYS = 400;

export interface PruneDeps {
  database: Database;
  load: Load;
  /** Aborted when the worker is told to stop; the SDK tells activities only after its grace time. */
  stopping: AbortSignal;
  /** How long published events are kept. */
  eventsKeptDays: number;
}

/**
 * Deletes published events that have been kept for long enough, for some seconds; and, when a look begins, old counts of
 * deprecated operations.
 */
export const createPruneHistory =
  ({ database, load, stopping, eventsKeptDays }: PruneDeps) =>
  async ({ after: from }: PruneInput): Promise<PruneReport> => {
    const context = Context.current();
    const stopped = AbortSignal.any([context.cancellationSignal, stopping]);
    const until = performance.now() + PIECE_MS;
    const before = daysAgo(eventsKeptDays);
    if (BigInt(from) === 0n)
      await database.deprecatedUse.deleteMany({ where: { day: { lt: daysAgo(USES_KEPT_DAYS) } } });
    let pruned = 0;
    let after: bigint | null = BigInt(from);
    const piece = async (): Promise<boolean> => {
      if (after === null || performance.now() >= until || stopped.aborted) return true;
      context.heartbeat();
      const page = await pruneEvents(database, { before, after });
      pruned += page.pruned;
      after = page.after;
      return false;
    };
    await givingWay(load, piece, { pauseShare: PAUSE_SHARE });
    return { pruned, after: after === null ? null : String(after), keptDays: eventsKeptDays };
  };
