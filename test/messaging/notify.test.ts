import { describe, expect, it } from 'vitest';
import { createNotifier } from '../../messaging/notify.ts';

const LONG_MS = 60_000;
const never = new AbortController().signal;

describe('notify', () => {
  it('ends a wait', async () => {
    const { notify, wait } = createNotifier();
    const waiting = wait(LONG_MS, never);
    notify();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('ends every wait: the relays of all shards share it', async () => {
    const { notify, wait } = createNotifier();
    const both = Promise.all([wait(LONG_MS, never), wait(LONG_MS, never)]);
    notify();
    await expect(both).resolves.toHaveLength(2);
  });

  // A commit while the relay was sending would otherwise lie until its next look.
  it('is remembered when nobody waits, but only once', async () => {
    const { notify, wait } = createNotifier();
    notify();
    notify();
    await wait(LONG_MS, never);
    const stop = new AbortController();
    let ended = false;
    const second = wait(LONG_MS, stop.signal).then(() => (ended = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    stop.abort();
    await second;
  });

  it('is not needed: a wait ends at its limit', async () => {
    await expect(createNotifier().wait(1, never)).resolves.toBeUndefined();
  });

  // A worker that stops must not wait out its idle time.
  it('a wait ends when it is aborted, and does not begin when it was aborted before', async () => {
    const { wait } = createNotifier();
    const stop = new AbortController();
    const waiting = wait(LONG_MS, stop.signal);
    stop.abort();
    await expect(waiting).resolves.toBeUndefined();
    await expect(wait(LONG_MS, stop.signal)).resolves.toBeUndefined();
  });
});
