/**
 * Few commands at a time per invoice, the others wait here. Above Temporal's ten updates in flight per workflow the
 * SDK was seen to refuse, to lose determinism and to run commands twice; several processes share those ten.
 */
import { Semaphore, withTimeout } from 'async-mutex';

export const IN_FLIGHT_MAX = 4;
export const WAITING_MAX = 200;

/** No place in time: nothing was sent. */
export class GateClosed extends Error {}

export interface Gate {
  /** Runs `work` when `key` has a place; rejects with GateClosed when none comes within `waitMs` or too many wait. */
  run: <T>(key: string, waitMs: number, work: () => Promise<T>) => Promise<T>;
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
      try {
        const timeout = new GateClosed(`No place for ${key} within ${waitMs} ms.`);
        return await withTimeout(place.semaphore, Math.max(1, waitMs), timeout).runExclusive(work);
      } finally {
        place.users -= 1;
        if (place.users === 0) places.delete(key);
      }
    },
  };
}
