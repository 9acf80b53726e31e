/** The progress bar of long commands; where stdout is no terminal, a line every few seconds. */
import { SingleBar } from 'cli-progress';

const PLAIN_LINE_EVERY_MS = 3_000;
const REASON_LENGTH_MAX = 40;

export type Values = Readonly<Record<string, string | number>>;

export interface ProgressBar {
  setTotal: (total: number) => void;
  update: (done: number, values: Values) => void;
  retry: (reason: string) => void;
  stop: () => void;
}

/** `format` names the values that are shown: {created} created, for instance. `first` are those of the beginning. */
export function startProgressBar(total: number, format: string, first: Values): ProgressBar {
  const bar = new SingleBar({
    format: `{bar} {percentage}% | ${format} | {elapsed} s{retries}`,
    stream: process.stdout,
    barsize: 24,
    hideCursor: true,
    // Ctrl-C is for the command to handle.
    gracefulExit: false,
    noTTYOutput: true,
    notTTYSchedule: PLAIN_LINE_EVERY_MS,
  });
  const startedAt = performance.now();
  const elapsed = () => ({ elapsed: Math.round((performance.now() - startedAt) / 1000) });
  let retries = 0;
  bar.start(Math.max(1, total), 0, { ...first, retries: '', ...elapsed() });
  return {
    setTotal: (known) => bar.setTotal(Math.max(1, known)),
    update: (done, values) => bar.update(done, { ...values, ...elapsed() }),
    retry(reason) {
      retries += 1;
      bar.update({ retries: ` | ${retries} retries: ${reason.slice(0, REASON_LENGTH_MAX)}`, ...elapsed() });
    },
    stop: () => bar.stop(),
  };
}
