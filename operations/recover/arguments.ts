/** The command line of a recovery. */
import { Command, InvalidArgumentError } from 'commander';

export interface RecoverArguments {
  /** Epoch ms; undefined: by what Postgres has last. */
  sinceMs: number | undefined;
  write: boolean;
  leave: boolean;
}

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): RecoverArguments {
  const command = new Command('npm run recover --')
    .description(
      'Shows what Postgres lacks after it was restored from a backup and Kafka is ahead of it, and brings it back from the events. The service must be stopped. The settings are those of the service.',
    )
    .option(
      '--since <instant>',
      'the backup’s time; ten minutes before the last event in Postgres when absent',
      instant,
    )
    .option('--write', 'bring it back; without it nothing is changed', false)
    .option(
      '--leave',
      'with --write: also when a person must decide about some, which stay as the backup has them',
      false,
    )
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  command.parse(argv);
  const { since, ...flags } = command.opts<{ since?: number; write: boolean; leave: boolean }>();
  return { sinceMs: since, ...flags };
}

function instant(text: string): number {
  const ms = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || Number.isNaN(ms))
    throw new InvalidArgumentError('Expected an instant, 2030-01-31T12:00:00Z say.');
  return ms;
}
