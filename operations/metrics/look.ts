/** Looks at something that a scrape must not wait for, nor ask for too often. */

export interface LookSettings {
  limitMs: number;
  /** A younger answer is not asked for again. */
  keepMs: number;
}

/**
 * Always true: at most one read is under way, however many scrapes wait for it; none of them waits longer than the
 * limit. `show` gets null when the read failed or is late, so that nobody takes an old figure for a new one.
 */
export function createLook<T>(
  read: () => Promise<T>,
  show: (value: T | null) => void,
  { limitMs, keepMs }: LookSettings,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  let freshUntil = 0;

  async function look(): Promise<void> {
    try {
      show(await read());
    } catch {
      show(null);
    }
    freshUntil = performance.now() + keepMs;
    running = undefined;
  }

  return async () => {
    if (!running && performance.now() < freshUntil) return;
    running ??= look();
    if (await isLate(running, limitMs)) show(null);
  };
}

async function isLate(work: Promise<void>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), limitMs);
  });
  try {
    return await Promise.race([work.then((): false => false), late]);
  } finally {
    clearTimeout(timer);
  }
}
