/** A request uses the time it has: what infrastructure made fail is tried again until the deadline, nothing else is. */
import { expect, it } from 'vitest';
import { untilDeadline } from '../../api/retry.ts';
import { atMost } from '../support/speed.ts';

const lostConnection = () => new Error('Connection terminated unexpectedly');

/** Fails `times` times with `failure`, then answers. */
function failing(times: number, failure: () => unknown) {
  let tries = 0;
  const work = async () => {
    tries += 1;
    if (tries <= times) throw failure();
    return 'answer';
  };
  return { work, tries: () => tries };
}

it('a lost connection is tried again, and the caller gets the answer', async () => {
  const { work, tries } = failing(3, lostConnection);
  expect(await untilDeadline(Date.now() + 60_000, work)).toBe('answer');
  expect(tries()).toBe(4);
});

it('the deadline ends it, with what made the last try fail', async () => {
  const { work, tries } = failing(Infinity, lostConnection);
  await expect(untilDeadline(Date.now() + atMost(200), work)).rejects.toThrow('Connection terminated unexpectedly');
  expect(tries()).toBeGreaterThan(1);
});

it('after the deadline there is no second try', async () => {
  const { work, tries } = failing(1, lostConnection);
  await expect(untilDeadline(Date.now(), work)).rejects.toThrow('Connection terminated unexpectedly');
  expect(tries()).toBe(1);
});

it('what would fail again is not tried again', async () => {
  const { work, tries } = failing(1, () => new TypeError('a bug'));
  await expect(untilDeadline(Date.now() + 60_000, work)).rejects.toThrow('a bug');
  expect(tries()).toBe(1);
});
