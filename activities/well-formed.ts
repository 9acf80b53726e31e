/**
 * What activities fail with, as Temporal takes it. A message may quote what somebody has sent, or have been cut in the
 * middle of a character; one with half a surrogate pair cannot be sent, and the SDK ends the whole worker over it.
 */
import { wellFormed } from '../values/text.ts';

/** Errors that wrap each other. */
const DEPTH_MAX = 10;

/** The error itself, its message and those of its causes without half characters. */
export function withWellFormedMessages(error: unknown): unknown {
  for (let at = error, depth = 0; at instanceof Error && depth < DEPTH_MAX; at = at.cause, depth += 1) {
    at.message = wellFormed(at.message);
    if (at.stack !== undefined) at.stack = wellFormed(at.stack);
  }
  return error;
}

type Activity = (...args: never[]) => Promise<unknown>;

/** The same activities; what they fail with can be sent. */
export const failingWellFormed = <T extends Record<string, Activity>>(activities: T): T =>
  Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args: never[]) => {
        try {
          return await run(...args);
        } catch (error) {
          throw withWellFormedMessages(error);
        }
      },
    ]),
  ) as T;
