/** Tells the relay of the same process that something was committed, so that it need not wait for its next look. */
export interface Nudge {
  nudge: () => void;
  /** Resolves at the next nudge (or one since the last wait), or after `limitMs`, or when the signal aborts. */
  wait: (limitMs: number, signal: AbortSignal) => Promise<void>;
}

export function createNudge(): Nudge {
  let pending = false;
  let wake: (() => void) | undefined;
  return {
    nudge: () => {
      pending = true;
      wake?.();
    },
    wait: async (limitMs, signal) => {
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener('abort', wake, { once: true });
        });
        if (wake) signal.removeEventListener('abort', wake);
        wake = undefined;
      }
      pending = false;
    },
  };
}
