import { expect, it } from 'vitest';
import { createLook } from '../../operations/metrics/look.ts';

const settings = { limitMs: 20, keepMs: 10_000 };

it('many scrapes at once ask once, and what is fresh is not asked for again', async () => {
  let asked = 0;
  const shown: unknown[] = [];
  const look = createLook(
    async () => (asked += 1),
    (value) => shown.push(value),
    settings,
  );
  await Promise.all([look(), look(), look()]);
  await look();
  expect({ asked, shown }).toEqual({ asked: 1, shown: [1] });
});

it('an old answer is asked for again', async () => {
  let asked = 0;
  const look = createLook(
    async () => (asked += 1),
    () => undefined,
    { limitMs: 20, keepMs: 0 },
  );
  await look();
  await look();
  expect(asked).toBe(2);
});

// A database that is away must not hang a scrape, nor get one more question with each of them.
it('an answer that does not come is waited for no longer than the limit, hidden, and shown when it comes', async () => {
  let asked = 0;
  let answer: (value: string) => void = () => undefined;
  const shown: unknown[] = [];
  const look = createLook(
    () => {
      asked += 1;
      return new Promise<string>((resolve) => (answer = resolve));
    },
    (value) => shown.push(value),
    settings,
  );
  await look();
  await look();
  expect({ asked, shown }).toEqual({ asked: 1, shown: [null, null] });
  answer('late');
  await look();
  expect(shown).toEqual([null, null, 'late']);
});

it('a failure is shown as no figure', async () => {
  const shown: unknown[] = [];
  const look = createLook(
    () => Promise.reject(new Error('away')),
    (value) => shown.push(value),
    settings,
  );
  await look();
  expect(shown).toEqual([null]);
});
