/** The progress bar; where stdout is no terminal, a line every few seconds. */
import { SingleBar } from 'cli-progress';
import type { Tally } from './run.ts';

const PLAIN_LINE_EVERY_MS = 3_000;
const REASON_LENGTH_MAX = 40;

const FORMAT =
  '{bar} {percentage}% | {kind}: {started} started, {running} ran already, {failed} failed | {elapsed} s{retries}';

export interface Progress {
  begin: (total: number) => void;
  update: (tallies: readonly Tally[]) => void;
  retry: (reason: string) => void;
  stop: () => void;
}

export function startProgress(): Progress {
  const bar = new SingleBar({
    format: FORMAT,
    stream: process.stdout,
    barsize: 24,
    hideCursor: true,
    // Ctrl-C is for the rebuild to handle.
    gracefulExit: false,
    noTTYOutput: true,
    notTTYSchedule: PLAIN_LINE_EVERY_MS,
  });
  const startedAt = performance.now();
  const elapsed = () => ({ elapsed: Math.round((performance.now() - startedAt) / 1000) });
  let retries = 0;
  bar.start(1, 0, { kind: 'counting', started: 0, running: 0, failed: 0, retries: '', ...elapsed() });
  return {
    begin: (total) => bar.setTotal(Math.max(1, total)),
    update(tallies) {
      const sum = sumOf(tallies);
      bar.update(sum.started + sum.running + sum.failed, { kind: currentKind(tallies), ...sum, ...elapsed() });
    },
    retry(reason) {
      retries += 1;
      bar.update({ retries: ` | ${retries} retries: ${reason.slice(0, REASON_LENGTH_MAX)}`, ...elapsed() });
    },
    stop: () => bar.stop(),
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
