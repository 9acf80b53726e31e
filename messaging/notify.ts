/**
 * Tells the relays of the same process that something was committed, so that they need not wait for their next look.
 * A relay that is at work when the notification comes finds the new event at its next look.
 */
export interface Notifier {
  notify: () => void;
  /** Resolves at the next notification (or at once, when one came while nobody waited), after `limitMs`, or when the signal aborts. */
  wait: (limitMs: number, signal: AbortSignal) => Promise<void>;
}

export function createNotifier(): Notifier {
  const waiting = new Set<() => void>();
  let missed = false;
  return {
    notify: () => {
      missed = waiting.size === 0;
      for (const wake of waiting) wake();
    },
    wait: (limitMs, signal) =>
      new Promise((resolve) => {
        if (missed || signal.aborted) {
          missed = false;
          return resolve();
        }
        const wake = () => {
          waiting.delete(wake);
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, limitMs);
        signal.addEventListener('abort', wake, { once: true });
        waiting.add(wake);
      }),
  };
}
