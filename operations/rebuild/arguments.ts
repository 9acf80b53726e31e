/** The command line of a rebuild. */
import { Command, InvalidArgumentError } from 'commander';

/** Callers keep most of a small machine, and fifty thousand invoices take a quarter of an hour. */
const RATE_DEFAULT = 50;
const RATE_MAX = 1_000;

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): { perSecond: number } {
  const command = new Command('npm run rebuild --')
    .description(
      'Starts again the workflows that Postgres says should exist, after the Temporal namespace was lost. What runs is left alone. The settings are those of the service.',
    )
    .option('--rate <workflows>', `started a second, 1 to ${RATE_MAX}`, rateOption, RATE_DEFAULT)
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  command.parse(argv);
  return { perSecond: command.opts<{ rate: number }>().rate };
}

function rateOption(text: string): number {
  const rate = Number(text);
  if (!Number.isInteger(rate) || rate < 1 || rate > RATE_MAX) {
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${RATE_MAX}.`);
  }
  return rate;
}
