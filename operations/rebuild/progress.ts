import { startProgressBar } from '../progress.ts';
import type { Tally } from './run.ts';

export interface Progress {
  begin: (total: number) => void;
  update: (tallies: readonly Tally[]) => void;
  retry: (reason: string) => void;
  stop: () => void;
}

export function startProgress(): Progress {
  const format = '{kind}: {started} started, {running} ran already, {failed} failed';
  const bar = startProgressBar(1, format, { kind: 'counting', started: 0, running: 0, failed: 0 });
  return {
    begin: bar.setTotal,
    update(tallies) {
      const sum = sumOf(tallies);
      bar.update(sum.started + sum.running + sum.failed, { kind: currentKind(tallies), ...sum });
    },
    retry: bar.retry,
    stop: bar.stop,
  };
}

const sumOf = (tallies: readonly Tally[]) => ({
  started: tallies.reduce((sum, { started }) => sum + started, 0),
  running: tallies.reduce((sum, { running }) => sum + running, 0),
  failed: tallies.reduce((sum, { failures }) => sum + failures.length, 0),
});

/** The last one at which anything was done. */
const currentKind = (tallies: readonly Tally[]): string =>
  tallies.findLast(({ started, running, failures }) => started + running + failures.length > 0)?.kind ?? 'nothing';
