/** What a run of the checks comes to, for people. */
import type { CheckReport } from './verify.ts';

const LINES_MAX = 20;
const PROBLEM_LENGTH_MAX = 400;
const NAME_WIDTH = 10;

export const exitCodeOf = (reports: readonly CheckReport[]): number =>
  reports.some(({ failure }) => failure !== undefined)
    ? 2
    : reports.some(({ findings }) => findings.length > 0)
      ? 1
      : 0;

export function reportOf(reports: readonly CheckReport[]): string {
  const found = reports.reduce((sum, { findings, more }) => sum + findings.length + more, 0);
  const undone = reports.filter(({ failure }) => failure !== undefined).map(({ name }) => name);
  return [
    ...reports.flatMap(linesOf),
    '',
    ...(undone.length > 0 ? [`Could not be done: ${undone.join(', ')}.`] : []),
    found > 0
      ? `${count(found)} ${found === 1 ? 'finding' : 'findings'}.`
      : undone.length > 0
        ? 'Nothing else was found.'
        : 'Nothing is broken.',
  ].join('\n');
}

function linesOf({ name, saw, findings, more, notes, failure, tookMs }: CheckReport): string[] {
  const total = findings.length + more;
  const result = failure !== undefined ? 'NOT DONE' : total > 0 ? `${count(total)} FOUND` : 'ok';
  const counted = [...saw].map(([what, seen]) => `${count(seen)} ${what}`).join(', ') || 'nothing was there';
  const rest = total - LINES_MAX;
  return [
    `${name.padEnd(NAME_WIDTH)} ${result} (${counted}; ${(tookMs / 1000).toFixed(1)} s)`,
    ...notes.map((note) => `  note: ${note}`),
    ...(failure === undefined ? [] : [`  ${failure}`]),
    ...findings.slice(0, LINES_MAX).map(({ id, problem }) => `  ${id}: ${shortened(problem)}`),
    ...(rest > 0 ? [`  ... and ${count(rest)} more`] : []),
  ];
}

const count = (value: number): string => value.toLocaleString('en');

const shortened = (text: string): string =>
  text.length <= PROBLEM_LENGTH_MAX ? text : `${text.slice(0, PROBLEM_LENGTH_MAX)} ...`;
