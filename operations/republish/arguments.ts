/** The command line of republishing. */
import { Command } from 'commander';

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): { topic: string | undefined } {
  const command = new Command('npm run republish --')
    .description(
      'Sends every event again that Postgres still has, with the same id and bytes, after Kafka has lost topics. The service must be stopped. The settings are those of the service.',
    )
    .option('--topic <name>', 'only of this topic')
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  command.parse(argv);
  return { topic: command.opts<{ topic?: string }>().topic };
}
