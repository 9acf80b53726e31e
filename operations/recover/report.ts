/** What a recovery says at its end, and its exit code. */
import type { Recovery } from './run.ts';

const PROBLEMS_MAX = 200;

/** 0: nothing is lost, or all of it was brought back; 1: something is left for a person. */
export const exitCodeOf = ({ events, written, problems }: Recovery): 0 | 1 =>
  problems.length === 0 && (written || events === 0) ? 0 : 1;

export function reportOf(recovery: Recovery): string {
  const { events, steps, first, last, problems, written } = recovery;
  return [
    events === 0
      ? 'Postgres lacks nothing that Kafka has.'
      : `Kafka has ${events} events that Postgres lacks, recorded from ${first} to ${last}.`,
    ...[...steps].map(([name, count]) => `  ${name.padEnd(24)} ${count}`),
    ...(problems.length > 0 ? ['', `A person must decide about ${problems.length}:`] : []),
    ...problems.slice(0, PROBLEMS_MAX).map(({ about, problem }) => `  ${about}: ${problem}`),
    ...(problems.length > PROBLEMS_MAX ? [`  ... and ${problems.length - PROBLEMS_MAX} more`] : []),
    '',
    ...(written ? WRITTEN : nextOf(recovery)),
  ].join('\n');
}

const WRITTEN = [
  'Brought back. Messages since then are read again; each still counts once.',
  'No event tells of: currencies of cashiers, decisions about dead letters, billing runs, replays of events, which versions of events are open, API keys, limits of tenants. What was changed of them since the backup is lost.',
  'Run npm run verify, then start the service.',
];

const nextOf = ({ events, problems }: Recovery): string[] => {
  if (problems.length > 0)
    return ['Nothing was written. -- --write --leave brings back the rest, and leaves these as the backup has them.'];
  return [
    events === 0
      ? 'Nothing was written. If the database was restored, -- --write all the same: cursors of GET /v1/events do not count in it.'
      : 'Nothing was written. -- --write brings it back.',
  ];
};
