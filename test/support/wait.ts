/** Waiting as tests do it: ask again until a deadline, never a fixed pause. */
const POLL_MS = 25;

export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false | null>,
  limitMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
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
  throw new Error(`${what} did not happen within ${limitMs} ms`, { cause: failure });
}
