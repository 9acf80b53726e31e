import { describe, expect, it } from 'vitest';
import { NoSlot, createLimiter } from '../../commands/limiter.ts';

const PATIENT_MS = 60_000;

/** Work that starts when the limiter lets it in and ends when the test says so. */
function createWork() {
  const running = new Map<string, { finish: () => void; fail: (error: Error) => void }>();
  const started: string[] = [];
  const work = (name: string) => () =>
    new Promise<string>((resolve, reject) => {
      started.push(name);
      running.set(name, { finish: () => resolve(name), fail: reject });
    });
  const at = (name: string) => {
    const one = running.get(name);
    if (!one) throw new Error(`${name} does not run`);
    return one;
  };
  return {
    started,
    work,
    finish: (name: string) => at(name).finish(),
    fail: (name: string, e: Error) => at(name).fail(e),
  };
}

/** Lets everything happen that can happen without the test: all microtasks end before the next macrotask. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('limiter', () => {
  // Above a limit in flight, updates of one workflow are refused or lost.
  it('never runs more than inFlightMax of a key at once, and the others in the order they came', async () => {
    const limiter = createLimiter({ inFlightMax: 2, waitingMax: 10 });
    const { started, work, finish } = createWork();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const answers = names.map((name) => limiter.run('invoice', PATIENT_MS, work(name)));
    await settle();
    expect(started).toEqual(['a', 'b']);
    finish('b');
    await settle();
    expect(started).toEqual(['a', 'b', 'c']);
    finish('c');
    finish('a');
    await settle();
    expect(started).toEqual(names);
    finish('d');
    finish('e');
    await expect(Promise.all(answers)).resolves.toEqual(names);
  });

  // A caller who has gone leaves a command in the workflow: its place is taken until the command has a result.
  it('keeps a place for what a work has left in flight', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 10 });
    let end: (() => void) | undefined;
    const inFlight = new Promise<void>((resolve) => (end = resolve));
    await expect(
      limiter.run('invoice', PATIENT_MS, async (hold) => {
        hold(inFlight);
        return 'pending';
      }),
    ).resolves.toBe('pending');
    const { started, work, finish } = createWork();
    const next = limiter.run('invoice', PATIENT_MS, work('next'));
    await settle();
    expect(started).toEqual([]);
    end?.();
    await settle();
    expect(started).toEqual(['next']);
    finish('next');
    await expect(next).resolves.toBe('next');
  });

  it('does not hold up other keys', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 1 });
    const { started, work, finish } = createWork();
    const first = limiter.run('one', PATIENT_MS, work('first'));
    const waiting = limiter.run('one', PATIENT_MS, work('waiting'));
    const other = limiter.run('other', PATIENT_MS, work('other'));
    await settle();
    expect(started).toEqual(['first', 'other']);
    finish('other');
    await expect(other).resolves.toBe('other');
    finish('first');
    await first;
    await settle();
    finish('waiting');
    await expect(waiting).resolves.toBe('waiting');
  });

  // Without a bound, a caller in a loop would fill the memory with requests that nobody waits for any more.
  it('lets at most waitingMax wait for a key, and has room again when one has ended', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 2 });
    const { started, work, finish } = createWork();
    const answers = ['a', 'b', 'c'].map((name) => limiter.run('invoice', PATIENT_MS, work(name)));
    await expect(limiter.run('invoice', PATIENT_MS, work('too many'))).rejects.toBeInstanceOf(NoSlot);
    await settle();
    finish('a');
    await answers[0];
    answers.push(limiter.run('invoice', PATIENT_MS, work('d')));
    for (const name of ['b', 'c', 'd']) {
      await settle();
      finish(name);
    }
    await expect(Promise.all(answers)).resolves.toEqual(['a', 'b', 'c', 'd']);
    expect(started).not.toContain('too many');
  });

  it('closes when no place comes in time; what waited is never run afterwards, and no place is lost', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 5 });
    const { started, work, finish } = createWork();
    const first = limiter.run('invoice', PATIENT_MS, work('first'));
    await expect(limiter.run('invoice', 1, work('late'))).rejects.toBeInstanceOf(NoSlot);
    const next = limiter.run('invoice', PATIENT_MS, work('next'));
    await settle();
    expect(started).toEqual(['first']);
    finish('first');
    await first;
    await settle();
    expect(started).toEqual(['first', 'next']);
    finish('next');
    await expect(next).resolves.toBe('next');
  });

  // The wait is limited, not the work: a command under way is never cut off by the limiter.
  it('does not limit how long the work takes', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 5 });
    const { work, finish } = createWork();
    const slow = limiter.run('invoice', 1, work('slow'));
    // Its timeout is longer than the slow one's, so when it has ended the slow one's is over as well.
    await expect(limiter.run('invoice', 5, work('late'))).rejects.toBeInstanceOf(NoSlot);
    finish('slow');
    await expect(slow).resolves.toBe('slow');
  });

  it('a deadline that is over still gets a place that is free, and none that is taken', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 5 });
    const { work, finish } = createWork();
    const first = limiter.run('invoice', -1, work('first'));
    await expect(limiter.run('invoice', -1, work('late'))).rejects.toBeInstanceOf(NoSlot);
    finish('first');
    await expect(first).resolves.toBe('first');
  });

  it('frees the place of work that fails, and tells the failure as it is', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 5 });
    const { work, finish, fail } = createWork();
    const broken = limiter.run('invoice', PATIENT_MS, work('broken'));
    const next = limiter.run('invoice', PATIENT_MS, work('next'));
    await settle();
    const failure = new Error('refused');
    fail('broken', failure);
    await expect(broken).rejects.toBe(failure);
    await settle();
    finish('next');
    await expect(next).resolves.toBe('next');
  });

  it('frees the place of work that throws before it waits for anything', async () => {
    const limiter = createLimiter({ inFlightMax: 1, waitingMax: 0 });
    const failure = new Error('at once');
    const throwing = () => {
      throw failure;
    };
    await expect(limiter.run('invoice', PATIENT_MS, throwing)).rejects.toBe(failure);
    await expect(limiter.run('invoice', PATIENT_MS, () => Promise.resolve('free'))).resolves.toBe('free');
  });
});
