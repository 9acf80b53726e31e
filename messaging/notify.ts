/**
 * Tells the relays of the same process that something was committed, so that they need not wait for their next poll.
 * A relay that is at work when the notification comes finds the new event at its next poll.
 */
import { EventEmitter, once } from 'node:events';
import pTimeout from 'p-timeout';

export interface Notifier {
  notify: () => void;
  /**
   * Resolves at the next notification (or at once, when one came while nobody waited), after `limitMs`, or when the
   * signal aborts.
   */
  wait: (limitMs: number, signal: AbortSignal) => Promise<void>;
}

export function createNotifier(): Notifier {
  const commits = new EventEmitter().setMaxListeners(0);
  let missed = false;
  return {
    notify: () => {
      missed = !commits.emit('commit');
    },
    wait: async (milliseconds, signal) => {
      if (missed || signal.aborted) {
        missed = false;
        return;
      }
      const waited = new AbortController();
      const commit = once(commits, 'commit', { signal: waited.signal });
      await pTimeout(commit, { milliseconds, signal, message: false }).catch(() => undefined);
      waited.abort();
    },
  };
}
