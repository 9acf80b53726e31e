/** What was checked: a line each, and the totals. A check that fails does not keep the others from being made. */
import { SetupError, say } from '../stack/progress.mjs';

export class CheckFailed extends Error {}

/** Throws with `message` unless `condition` holds. */
export function expect(condition, message) {
  if (!condition) throw new CheckFailed(message);
}

/** `goOn` throws when the person has interrupted. */
export function createReport(goOn) {
  let checked = 0;
  let failures = 0;

  function failed(title, error) {
    checked += 1;
    failures += 1;
    const isExpected = error instanceof CheckFailed || error instanceof SetupError;
    say(`FAILED  ${title}: ${isExpected ? error.message : (error?.stack ?? error)}`);
  }

  /** `work` resolves with what is worth saying of it, if anything is. */
  async function check(title, work) {
    try {
      const note = await work();
      checked += 1;
      say(`ok      ${title}${typeof note === 'string' ? `: ${note}` : ''}`);
    } catch (error) {
      goOn();
      failed(title, error);
    }
  }

  /** A pass that cannot be made to its end counts as a check that failed. */
  async function pass(title, work) {
    say(`${title}:`);
    try {
      await work();
    } catch (error) {
      goOn();
      failed(`${title}, and the pass was made to its end`, error);
    }
  }

  return { check, pass, failed, checked: () => checked, failures: () => failures };
}
