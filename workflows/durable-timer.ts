/**
 * One durable timer at a time. A set one that fires too early is left to fire, and what is found then decides: cheaper
 * than cancelling it, which costs every invoice two events.
 */
import { sleep } from '@temporalio/workflow';

/** Temporal keeps durations in nanoseconds; a due date may lie thousands of years ahead. */
const LONGEST_MS = 365 * 24 * 60 * 60 * 1000;

export interface DurableTimer {
  /** Calls `fire` at the instant `at` (epoch ms) or before it. `waitsFor` is what the Web UI shows. */
  set: (at: number, waitsFor: string) => void;
}

export function createDurableTimer(fire: () => void): DurableTimer {
  let firesAt: number | undefined;
  return {
    set: (at, waitsFor) => {
      if (firesAt !== undefined && firesAt <= at) return;
      const inMs = Math.min(Math.max(1, at - Date.now()), LONGEST_MS);
      const own = Date.now() + inMs;
      firesAt = own;
      void sleep(inMs, { summary: waitsFor }).then(() => {
        if (firesAt === own) firesAt = undefined;
        fire();
      });
    },
  };
}
