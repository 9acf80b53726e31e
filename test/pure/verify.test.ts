/** The second look of `npm run verify`, and its report; what the checks find is in test/verify/. */
import { describe, expect, it } from 'vitest';
import type { Check, World } from '../../operations/verify/check.ts';
import { exitCodeOf, reportOf } from '../../operations/verify/report.ts';
import { verify } from '../../operations/verify/verify.ts';

const world = {} as World;
const poll = (...checks: Check[]) => verify(world, { checks, graceMs: 0 });

/** A check that finds something else at each look, and counts its looks. */
function finding(...polls: string[][]): Check & { polls: number } {
  const check = {
    name: 'some',
    polls: 0,
    run: async (_world: World, { saw, found }: Parameters<Check['run']>[1]) => {
      saw('things', 1_234);
      for (const id of polls[check.polls] ?? []) found(id, 'is broken');
      check.polls += 1;
    },
  };
  return check;
}

describe('the second look', () => {
  it('is taken by checks that have found something, and by no other', async () => {
    const [clean, broken] = [finding(), finding(['a'], ['a'])];
    await poll(clean, broken);
    expect([clean.polls, broken.polls]).toEqual([1, 2]);
  });

  it('only what is found both times counts: the rest was under way', async () => {
    const [report] = await poll(finding(['a', 'b'], ['b', 'c']));
    expect(report?.findings).toEqual([{ id: 'b', problem: 'is broken' }]);
  });

  it('a check that failed is done again, and then what it finds counts', async () => {
    let calls = 0;
    const check: Check = {
      name: 'some',
      run: async (_world, { found }) => {
        calls += 1;
        if (calls === 1) throw new Error('away');
        found('a', 'is broken');
      },
    };
    const [report] = await poll(check);
    expect(report?.failure).toBeUndefined();
    expect(report?.findings).toHaveLength(1);
  });

  it('one check that cannot be done does not keep the others', async () => {
    const away: Check = { name: 'away', run: () => Promise.reject(new Error('The server is away.')) };
    const reports = await poll(away, finding(['a'], ['a']));
    expect(reports.map(({ failure, findings }) => [failure, findings.length])).toEqual([
      ['The server is away.', 0],
      [undefined, 1],
    ]);
    expect(exitCodeOf(reports)).toBe(2);
    expect(reportOf(reports)).toContain('Could not be done: away.');
  });
});

describe('the report', () => {
  it('says what was looked at', async () => {
    const reports = await poll(finding());
    expect(reportOf(reports)).toMatch(/^some +ok \(1,234 things; [\d.]+ s\)\n\nNothing is broken\.$/);
    expect(exitCodeOf(reports)).toBe(0);
  });

  it('has at most twenty lines a check, and says how many more there are', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `id-${index}`);
    const reports = await poll(finding(ids, ids));
    const lines = reportOf(reports).split('\n');
    expect(lines.filter((line) => line.includes('is broken'))).toHaveLength(20);
    expect(lines).toContain('  ... and 5 more');
    expect(lines.at(-1)).toBe('25 findings.');
    expect(exitCodeOf(reports)).toBe(1);
  });

  it('what is too much to be kept is counted', async () => {
    const ids = Array.from({ length: 10_002 }, (_, index) => `id-${index}`);
    expect(reportOf(await poll(finding(ids, ids)))).toContain('10,002 FOUND');
  });
});
