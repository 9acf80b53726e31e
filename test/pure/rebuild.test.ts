import { describe, expect, it } from 'vitest';
import type { Due, Kind } from '../../operations/rebuild/kinds.ts';
import { type RebuildDeps, rebuild } from '../../operations/rebuild/run.ts';
import { exitCodeOf, summaryOf } from '../../operations/rebuild/summary.ts';

const away = new Error('away');

/** Pages of workflow ids; `start` of each. */
function kindOf(name: string, pages: string[][], start: (workflowId: string) => Promise<boolean>): Kind {
  let page = 0;
  const dues = (ids: string[]): Due[] => ids.map((workflowId) => ({ workflowId, start: () => start(workflowId) }));
  return { name, count: async () => pages.flat().length, next: async () => dues(pages[page++] ?? []) };
}

const depsWith = (kinds: Kind[], changes: Partial<RebuildDeps> = {}): RebuildDeps => ({
  kinds,
  openStanding: async () => undefined,
  perSecond: 1_000,
  stop: new AbortController().signal,
  mayPass: (error) => error === away,
  progress: { begin: () => undefined, update: () => undefined, retry: () => undefined },
  noProgressMs: 40,
  retryAfterMs: 1,
  ...changes,
});

describe('rebuild', () => {
  it('starts every workflow of every page, and tells what ran already', async () => {
    const started: string[] = [];
    const start = async (id: string) => id !== 'b' && started.push(id) > 0;
    const result = await rebuild(depsWith([kindOf('letters', [['a', 'b'], ['c']], start), kindOf('none', [], start)]));
    expect(started).toEqual(['a', 'c']);
    expect(result).toEqual({
      ended: 'complete',
      because: '',
      tallies: [
        { kind: 'letters', started: 2, running: 1, failures: [] },
        { kind: 'none', started: 0, running: 0, failures: [] },
      ],
    });
    expect(exitCodeOf(result)).toBe(0);
  });

  it('does what failed again, as long as it may pass', async () => {
    let tries = 0;
    const start = async () => {
      tries += 1;
      if (tries < 3) throw away;
      return true;
    };
    const result = await rebuild(depsWith([kindOf('letters', [['a']], start)]));
    expect(result).toMatchObject({ ended: 'complete', tallies: [{ started: 1 }] });
  });

  // One that Temporal will never take, such as a dead letter whose type is too long, would keep all others waiting.
  it('names what is refused for good, and goes on', async () => {
    const start = async (id: string) => {
      if (id === 'a') throw new Error('too long');
      return true;
    };
    const result = await rebuild(depsWith([kindOf('letters', [['a', 'b']], start)]));
    expect(result.tallies).toEqual([
      { kind: 'letters', started: 1, running: 0, failures: [{ workflowId: 'a', because: 'too long' }] },
    ]);
    expect(exitCodeOf(result)).toBe(1);
    expect(summaryOf(result, 1)).toContain('  a: too long');
  });

  it('gives up when nothing at all could be done for too long, and says why', async () => {
    const result = await rebuild(depsWith([kindOf('letters', [['a']], () => Promise.reject(away))]));
    expect(result).toMatchObject({ ended: 'no_progress', because: 'away' });
    expect(exitCodeOf(result)).toBe(1);
    expect(summaryOf(result, 1)).toContain('Gave up, nothing could be done any more: away.');
  });

  it('ends between two workflows when it is interrupted', async () => {
    const stop = new AbortController();
    const start = async () => {
      stop.abort();
      return true;
    };
    const result = await rebuild(depsWith([kindOf('letters', [['a'], ['b']], start)], { stop: stop.signal }));
    expect(result).toMatchObject({ ended: 'interrupted', tallies: [{ started: 1 }] });
    expect(exitCodeOf(result)).toBe(1);
  });

  it('keeps to the pace', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => String(index));
    const startedAt = performance.now();
    await rebuild(depsWith([kindOf('letters', [ids], async () => true)], { perSecond: 200 }));
    expect(performance.now() - startedAt).toBeGreaterThan(140);
  });
});
