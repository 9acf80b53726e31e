/** Waiting as tests do it: ask again until a deadline, never a fixed pause. */
import { atMost } from './speed.ts';

const POLL_MS = 25;

/** `limitMs` is what it takes at most on a machine of the usual speed; see speed.ts. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false | null>,
  limitMs = 30_000,
): Promise<T> {
  const boundMs = atMost(limitMs);
  const deadline = Date.now() + boundMs;
  let failure: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false && answer !== null) return answer;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${what} did not happen within ${boundMs} ms`, { cause: failure });
}
