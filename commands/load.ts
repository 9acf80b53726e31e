/**
 * Whether callers are waiting in this process, for work that has time: it does little at once, and leaves most of the
 * time to them.
 */
import { setTimeout as pause } from 'node:timers/promises';

export interface Load {
  /** Notes that something begins that goes first. */
  note: () => void;
  /** Begins to watch; ask it whether something has begun since. */
  watch: () => () => boolean;
}

/** Of its own time, how much longer such work pauses while callers are waiting. */
const PAUSE_SHARE = 3;
const PAUSE_MAX_MS = 500;

/** How long to pause after work that took so long, while callers are waiting. */
export const pauseAfter = (tookMs: number, share = PAUSE_SHARE): number => Math.min(tookMs * share, PAUSE_MAX_MS);

export function createLoad(): Load {
  let begun = 0;
  return {
    note: () => void (begun += 1),
    watch: () => {
      const before = begun;
      return () => begun > before;
    },
  };
}

/**
 * Carries out pieces of work that has time, until one gives true. A piece is told whether callers were waiting during
 * the one before; it is followed by a pause if they were, `pauseShare` times as long. After `givesWayMs` it has no more
 * time than others.
 */
export async function givingWay(
  load: Load,
  piece: (callersWait: boolean) => Promise<boolean>,
  { givesWayMs = Number.POSITIVE_INFINITY, pauseShare = PAUSE_SHARE } = {},
): Promise<void> {
  const until = performance.now() + givesWayMs;
  let callersWait = false;
  for (;;) {
    const startedAt = performance.now();
    const hasBegun = load.watch();
    if (await piece(callersWait)) return;
    callersWait = hasBegun() && performance.now() < until;
    if (callersWait) await pause(pauseAfter(performance.now() - startedAt, pauseShare));
  }
}
