/**
 * A request uses the time it has: what a server or a connection made fail is tried again until the request's deadline,
 * and only then is the caller told 503. That is safe, because a command has its key before the first try, and it makes
 * a slow machine answer slowly instead of not at all.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { mayPass } from '../platform/failed-server.ts';

const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 500;

/**
 * The answer of `work`, which is called again after a failure of infrastructure, as long as the next try would begin
 * before `deadline` (epoch ms). Rejects with what made the last try fail.
 */
export async function untilDeadline<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || Date.now() + pauseMs >= deadline) throw error;
    }
    await pause(pauseMs);
  }
}
