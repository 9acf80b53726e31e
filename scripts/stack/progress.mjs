/** What the person at the terminal sees while something is being set up: one line a step, with how long it took. */

const startedAt = Date.now();
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

export function say(text) {
  process.stdout.write(`[${seconds(Date.now() - startedAt).padStart(7)}] ${text}\n`);
}

/**
 * Runs `work` and says that it began and ended; repeats every ten seconds that it still runs, so that a long step
 * never looks like a hang. `usually` tells how long it takes on a small machine.
 */
export async function step(title, usually, work) {
  say(`${title} ... (usually ${usually})`);
  const from = Date.now();
  const reminder = setInterval(() => say(`${title}: still at it after ${seconds(Date.now() - from)}`), 10_000);
  try {
    const result = await work();
    say(`${title}: done in ${seconds(Date.now() - from)}`);
    return result;
  } finally {
    clearInterval(reminder);
  }
}

/** A failure whose message is meant for the person at the terminal: what was expected, and what to do. */
export class SetupError extends Error {}

/** Prints a failure the way a person wants it: the sentence for a SetupError, the stack for a bug. */
export function fail(error) {
  if (error instanceof SetupError) process.stderr.write(`\nCannot go on: ${error.message}\n`);
  else process.stderr.write(`\n${error?.stack ?? error}\n`);
  process.exitCode = 1;
}
