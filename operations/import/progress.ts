/** The progress bar; where stdout is no terminal, a line every few seconds. */
import { SingleBar } from 'cli-progress';
import type { Tally } from './run.ts';

const PLAIN_LINE_EVERY_MS = 3_000;
const REASON_LENGTH_MAX = 40;

const FORMAT = '{bar} {percentage}% | {created} created, {replayed} replayed, {refused} refused | {elapsed} s{retries}';

export interface Progress {
  /** `bytesRead` of the file are done with. */
  update: (bytesRead: number, tally: Tally) => void;
  retry: (reason: string) => void;
  stop: () => void;
}

export function startProgress(bytes: number): Progress {
  const bar = new SingleBar({
    format: FORMAT,
    stream: process.stdout,
    barsize: 24,
    hideCursor: true,
    // Ctrl-C is for the import to handle.
    gracefulExit: false,
    noTTYOutput: true,
    notTTYSchedule: PLAIN_LINE_EVERY_MS,
  });
  const startedAt = performance.now();
  const elapsed = () => ({ elapsed: Math.round((performance.now() - startedAt) / 1000) });
  let furthest = 0;
  let retries = 0;
  bar.start(Math.max(1, bytes), 0, { created: 0, replayed: 0, refused: 0, retries: '', ...elapsed() });
  return {
    update(bytesRead, { created, replayed, refused }) {
      furthest = Math.max(furthest, bytesRead);
      bar.update(furthest, { created, replayed, refused, ...elapsed() });
    },
    retry(reason) {
      retries += 1;
      bar.update({ retries: ` | ${retries} retries: ${reason.slice(0, REASON_LENGTH_MAX)}`, ...elapsed() });
    },
    stop: () => bar.stop(),
  };
}
