/** Looks at something that who asks must not wait for, nor ask for too often. */
import pTimeout from 'p-timeout';

export interface PollSettings {
  limitMs: number;
  /** A younger answer is not asked for again. */
  maxAgeMs: number;
}

/**
 * Always true: at most one read is under way, however many scrapes wait for it; none of them waits longer than the
 * limit. `show` gets null when the read failed or is late, so that nobody takes an old figure for a new one.
 */
export function createPoll<T>(
  read: () => Promise<T>,
  show: (value: T | null) => void,
  { limitMs, maxAgeMs }: PollSettings,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  let freshUntil = 0;

  async function poll(): Promise<void> {
    try {
      show(await read());
    } catch {
      show(null);
    }
    freshUntil = performance.now() + maxAgeMs;
    running = undefined;
  }

  return async () => {
    if (!running && performance.now() < freshUntil) return;
    running ??= poll();
    await pTimeout(running, { milliseconds: limitMs, fallback: () => show(null) });
  };
}
