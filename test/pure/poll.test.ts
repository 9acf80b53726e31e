import { expect, it } from 'vitest';
import { createPoll } from '../../platform/poll.ts';

const settings = { limitMs: 20, maxAgeMs: 10_000 };

it('many scrapes at once ask once, and what is fresh is not asked for again', async () => {
  let asked = 0;
  const shown: unknown[] = [];
  const poll = createPoll(
    async () => (asked += 1),
    (value) => shown.push(value),
    settings,
  );
  await Promise.all([poll(), poll(), poll()]);
  await poll();
  expect({ asked, shown }).toEqual({ asked: 1, shown: [1] });
});

it('an old answer is asked for again', async () => {
  let asked = 0;
  const poll = createPoll(
    async () => (asked += 1),
    () => undefined,
    { limitMs: 20, maxAgeMs: 0 },
  );
  await poll();
  await poll();
  expect(asked).toBe(2);
});

// A database that is away must not hang a scrape, nor get one more question with each of them.
it('an answer that does not come is waited for no longer than the limit, hidden, and shown when it comes', async () => {
  let asked = 0;
  let answer: (value: string) => void = () => undefined;
  const shown: unknown[] = [];
  const poll = createPoll(
    () => {
      asked += 1;
      return new Promise<string>((resolve) => (answer = resolve));
    },
    (value) => shown.push(value),
    settings,
  );
  await poll();
  await poll();
  expect({ asked, shown }).toEqual({ asked: 1, shown: [null, null] });
  answer('late');
  await poll();
  expect(shown).toEqual([null, null, 'late']);
});

it('a failure is shown as no figure', async () => {
  const shown: unknown[] = [];
  const poll = createPoll(
    () => Promise.reject(new Error('away')),
    (value) => shown.push(value),
    settings,
  );
  await poll();
  expect(shown).toEqual([null]);
});
