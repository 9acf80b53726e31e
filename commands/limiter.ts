/**
 * Few commands at a time per invoice, the others wait here. Above Temporal's ten updates in flight per workflow the
 * SDK was seen to refuse, to lose determinism and to run commands twice; several processes share those ten.
 */
import { Semaphore, withTimeout } from 'async-mutex';

export const IN_FLIGHT_MAX = 4;
export const WAITING_MAX = 200;

/** No place in time: nothing was sent. */
export class GateClosed extends Error {}

/** Keeps the place of a work that has ended until `until` has, for what it has left in flight. */
export type Hold = (until: Promise<unknown>) => void;

export interface Gate {
  /** Runs `work` when `key` has a place; rejects with GateClosed when none comes within `waitMs` or too many wait. */
  run: <T>(key: string, waitMs: number, work: (hold: Hold) => Promise<T>) => Promise<T>;
}

export function createGate({ inFlightMax = IN_FLIGHT_MAX, waitingMax = WAITING_MAX } = {}): Gate {
  const places = new Map<string, { semaphore: Semaphore; users: number }>();
  return {
    run: async (key, waitMs, work) => {
      const place = places.get(key) ?? { semaphore: new Semaphore(inFlightMax), users: 0 };
      if (place.users >= inFlightMax + waitingMax)
        throw new GateClosed(`More than ${waitingMax} commands wait for ${key}.`);
      places.set(key, place);
      place.users += 1;
      const leave = () => {
        place.users -= 1;
        if (place.users === 0) places.delete(key);
      };
      const timeout = new GateClosed(`No place for ${key} within ${waitMs} ms.`);
      const held: Promise<unknown>[] = [];
      try {
        await withTimeout(place.semaphore, Math.max(1, waitMs), timeout).acquire();
      } catch (error) {
        leave();
        throw error;
      }
      try {
        return await work((until) => held.push(until));
      } finally {
        void Promise.allSettled(held).then(() => {
          place.semaphore.release();
          leave();
        });
      }
    },
  };
}
