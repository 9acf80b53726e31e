/** What an import says at its end, and its exit code. */
import { type RowRefusal, importSteps } from './rows.ts';
import type { Tally } from './run.ts';

/** @param seconds that the import took */
export function summaryOf(tally: Tally, seconds: number): string {
  const { rows, created, replayed, refused, unfinished } = tally;
  const counts = `${created} created, ${replayed} replayed, ${refused} refused`;
  return [
    `${rows} rows in ${seconds.toFixed(1)} s: ${counts}${unfinished ? `, ${unfinished} unfinished` : ''}.`,
    ...stepLines(tally),
    ...refusalLines(tally),
    ...endLines(tally),
  ].join('\n');
}

/** 0: every row is imported; 1: run again after mending what was refused; 2: the file is broken. */
export function exitCodeOf({ ended, refused }: Tally): 0 | 1 | 2 {
  if (ended === 'unreadable') return 2;
  return refused > 0 || ended !== 'complete' ? 1 : 0;
}

const stepLines = ({ steps }: Tally): string[] =>
  importSteps
    .filter((step) => steps[step].done + steps[step].replayed > 0)
    .map((step) => `  ${step.padEnd(8)} ${steps[step].done} done, ${steps[step].replayed} replayed`);

function refusalLines({ refusals, refused }: Tally): string[] {
  if (refused === 0) return [];
  const listed = refusals.toSorted((a, b) => a.line - b.line).map(refusalLine);
  const more = refused - refusals.length;
  return ['Refused:', ...listed, ...(more > 0 ? [`  and ${more} more`] : [])];
}

function refusalLine({ line, step, code, detail, errors }: RowRefusal): string {
  const fields = errors.map((error) => `${error.path}: ${error.message} (${error.code})`).join('; ');
  return `  line ${line}, ${step}: ${code}: ${detail}${fields ? ` ${fields}` : ''}`;
}

function endLines({ ended, unreadable }: Tally): string[] {
  switch (ended) {
    case 'complete':
      return [];
    case 'interrupted':
      return ['Interrupted. Run the same command again to go on; what is done is not done twice.'];
    case 'no_answer':
      return ['The service does not answer. Run the same command again to go on; what is done is not done twice.'];
    case 'not_allowed':
      return ['The service does not let the caller do this: see --token. What is done is not done twice.'];
    case 'unreadable':
      return [`Stopped: ${unreadable}`];
  }
}
