/**
 * Few commands at a time per invoice, the others wait here. Above Temporal's ten updates in flight per workflow the
 * SDK was seen to refuse, to lose determinism and to run commands twice; several processes share those ten.
 */
import { Semaphore, withTimeout } from 'async-mutex';

export const IN_FLIGHT_MAX = 4;
export const WAITING_MAX = 200;

/** No slot in time: nothing was sent. */
export class NoSlot extends Error {}

/** Keeps the slot of a work that has ended until `until` has, for what it has left in flight. */
export type Occupy = (until: Promise<unknown>) => void;

export interface Limiter {
  /** Runs `work` when `key` has a slot; rejects with NoSlot when none comes within `waitMs` or too many wait. */
  run: <T>(key: string, waitMs: number, work: (occupy: Occupy) => Promise<T>) => Promise<T>;
}

export function createLimiter({ inFlightMax = IN_FLIGHT_MAX, waitingMax = WAITING_MAX } = {}): Limiter {
  const slots = new Map<string, { semaphore: Semaphore; users: number }>();
  return {
    run: async (key, waitMs, work) => {
      const slot = slots.get(key) ?? { semaphore: new Semaphore(inFlightMax), users: 0 };
      if (slot.users >= inFlightMax + waitingMax) throw new NoSlot(`More than ${waitingMax} commands wait for ${key}.`);
      slots.set(key, slot);
      slot.users += 1;
      const leave = () => {
        slot.users -= 1;
        if (slot.users === 0) slots.delete(key);
      };
      const timeout = new NoSlot(`No slot for ${key} within ${waitMs} ms.`);
      const occupied: Promise<unknown>[] = [];
      try {
        await withTimeout(slot.semaphore, Math.max(1, waitMs), timeout).acquire();
      } catch (error) {
        leave();
        throw error;
      }
      try {
        return await work((until) => occupied.push(until));
      } finally {
        void Promise.allSettled(occupied).then(() => {
          slot.semaphore.release();
          leave();
        });
      }
    },
  };
}
