/**
 * How long a record has had no answer while everything else was well. Kept in memory: a consumer that starts again
 * starts to wait again, which only makes the wait longer.
 */
import type { IncomingRecord } from './event-source.ts';

export const NO_ANSWER_AFTER_MS = 5 * 60 * 1000;

export interface RedeliveryLimit {
  /** The record is being handled, for the first time or again. */
  seen: (record: IncomingRecord) => void;
  /** It has no answer: is this to go on? An outage begins the wait anew: it is not the record's doing. */
  isOver: (record: IncomingRecord) => Promise<boolean>;
  /** It was answered, or could not even be handed in: should it come again, the wait begins anew. */
  forget: (record: IncomingRecord) => void;
}

export function createRedeliveryLimit(limitMs: number, isHealthy: () => Promise<boolean>): RedeliveryLimit {
  /** One record a partition is under way, so there are no more entries than partitions. */
  const waits = new Map<string, { offset: bigint; since: number }>();
  const place = ({ topic, partition }: IncomingRecord) => `${topic}|${partition}`;
  return {
    seen: (record) => {
      if (waits.get(place(record))?.offset !== record.offset)
        waits.set(place(record), { offset: record.offset, since: performance.now() });
    },
    isOver: async (record) => {
      const wait = waits.get(place(record));
      if (!wait) return false;
      if (await isHealthy()) return performance.now() - wait.since >= limitMs;
      wait.since = performance.now();
      return false;
    },
    forget: (record) => void waits.delete(place(record)),
  };
}
