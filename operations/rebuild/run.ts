/**
 * Starts again, from Postgres alone, the workflows that should exist: after the Temporal namespace was lost.
 *
 * It starts them itself instead of leaving wake-ups to the relay. It writes nothing into Postgres, so a rebuild that
 * stops in the middle leaves nothing behind, and on a live system a workflow that runs does not even get a signal. It
 * needs no worker to be up, it knows what it started, and the wake-ups of billing runs do not have to queue behind it.
 * A workflow that starts reads Postgres first, so being started is all that it needs. Drafts, and invoices for which
 * time has nothing more to tell, need nothing: their next command starts them.
 *
 * Always true:
 * 1. Run again, or twice at once, it changes nothing: what runs is left alone.
 * 2. At most one page is in memory, and at most `perSecond` workflows are started a second.
 * 3. A server that is away is waited for; it gives up after NO_PROGRESS_MS in which nothing could be done. What
 *    Temporal refuses for good is named and left out, so that one such workflow does not keep the others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Due, Kind } from './kinds.ts';

export interface Tally {
  kind: string;
  started: number;
  running: number;
  failures: { workflowId: string; because: string }[];
}

export interface RebuildDeps {
  kinds: readonly Kind[];
  openStanding: () => Promise<void>;
  perSecond: number;
  stop: AbortSignal;
  /** Would the same, done again later, have a chance? */
  mayPass: (error: unknown) => boolean;
  progress: {
    begin: (total: number) => void;
    update: (tallies: readonly Tally[]) => void;
    retry: (reason: string) => void;
  };
  noProgressMs?: number;
  retryAfterMs?: number;
}

export interface Rebuilt {
  ended: 'complete' | 'interrupted' | 'no_progress';
  /** Why it gave up. */
  because: string;
  tallies: Tally[];
}

export const NO_PROGRESS_MS = 120_000;
const RETRY_AFTER_MS = 1_000;
const AT_ONCE = 10;
const FAILURES_MAX = 1_000;

/** Thrown through the loops below, to end them. */
class Ended extends Error {
  readonly as: 'interrupted' | 'no_progress';
  constructor(as: 'interrupted' | 'no_progress', message: string) {
    super(message);
    this.as = as;
  }
}

export async function rebuild(deps: RebuildDeps): Promise<Rebuilt> {
  const tallies = deps.kinds.map(({ name }): Tally => ({ kind: name, started: 0, running: 0, failures: [] }));
  const retrying = createRetrying(deps);
  try {
    await retrying(deps.openStanding);
    let total = 0;
    for (const { count } of deps.kinds) total += await retrying(count);
    deps.progress.begin(total);
    for (const [index, kind] of deps.kinds.entries()) {
      const tally = tallies[index];
      if (tally) await startAll(deps, retrying, kind, tally, () => deps.progress.update(tallies));
    }
    return { ended: 'complete', because: '', tallies };
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    return { ended: error.as, because: error.message, tallies };
  }
}

type Retrying = <T>(work: () => Promise<T>) => Promise<T>;

/** Does work again while it may pass, until nothing at all could be done for too long. */
function createRetrying(deps: RebuildDeps): Retrying {
  const { stop, mayPass, progress, noProgressMs = NO_PROGRESS_MS, retryAfterMs = RETRY_AFTER_MS } = deps;
  let lastProgress = performance.now();
  return async (work) => {
    for (;;) {
      if (stop.aborted) throw new Ended('interrupted', '');
      try {
        const done = await work();
        lastProgress = performance.now();
        return done;
      } catch (error) {
        if (!mayPass(error)) throw error;
        if (performance.now() - lastProgress > noProgressMs) throw new Ended('no_progress', messageOf(error));
        progress.retry(messageOf(error));
        await pause(retryAfterMs, undefined, { signal: stop }).catch(() => undefined);
      }
    }
  };
}

async function startAll(
  { perSecond, stop }: RebuildDeps,
  retrying: Retrying,
  kind: Kind,
  tally: Tally,
  onProgress: () => void,
): Promise<void> {
  for (let page = await retrying(kind.next); page.length > 0; page = await retrying(kind.next)) {
    for (let first = 0; first < page.length; first += AT_ONCE) {
      const batch = page.slice(first, first + AT_ONCE);
      const slot = pause((batch.length * 1_000) / perSecond, undefined, { signal: stop }).catch(() => undefined);
      await Promise.all(batch.map((due) => startOne(retrying, due, tally)));
      onProgress();
      await slot;
    }
  }
}

async function startOne(retrying: Retrying, { workflowId, start }: Due, tally: Tally): Promise<void> {
  try {
    tally[(await retrying(start)) ? 'started' : 'running'] += 1;
  } catch (error) {
    if (error instanceof Ended || tally.failures.length >= FAILURES_MAX) throw error;
    tally.failures.push({ workflowId, because: messageOf(error) });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
