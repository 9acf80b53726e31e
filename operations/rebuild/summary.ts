/** What a rebuild says at its end, and its exit code. */
import type { Rebuilt, Tally } from './run.ts';

/** @param seconds that the rebuild took */
export function summaryOf({ ended, because, tallies }: Rebuilt, seconds: number): string {
  const failures = tallies.flatMap((tally) => tally.failures);
  return [
    ...tallies.map(tallyLine),
    ...(failures.length > 0 ? ['Refused by Temporal:'] : []),
    ...failures.map((failure) => `  ${failure.workflowId}: ${failure.because}`),
    endLines[ended](seconds, because),
  ].join('\n');
}

/** 0: every workflow runs; 1: run it again. */
export const exitCodeOf = ({ ended, tallies }: Rebuilt): 0 | 1 =>
  ended === 'complete' && tallies.every(({ failures }) => failures.length === 0) ? 0 : 1;

const tallyLine = ({ kind, started, running, failures }: Tally): string =>
  `${kind.padEnd(18)} ${started} started, ${running} ran already, ${failures.length} failed`;

const endLines: Record<Rebuilt['ended'], (seconds: number, because: string) => string> = {
  complete: (seconds) => `Rebuilt in ${seconds.toFixed(1)} s; the relays are open too.`,
  interrupted: () => 'Interrupted. Run it again to go on; what runs is left alone.',
  no_progress: (_seconds, because) =>
    `Gave up, nothing could be done any more: ${because}. Run it again to go on; what runs is left alone.`,
};
