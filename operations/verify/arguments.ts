/** The command line of `npm run verify`. */
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';

export interface VerifyArguments {
  graceMs: number;
  tenants: string[] | undefined;
}

const GRACE_DEFAULT_S = 5;
const GRACE_MAX_S = 600;

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): VerifyArguments {
  const command = new Command('npm run verify --')
    .description(
      'Reads Postgres, Kafka from its oldest records and Temporal, and says what does not fit together. It changes nothing, and the service may be working meanwhile. Exit code: 0 nothing is broken, 1 something is, 2 it could not be checked.',
    )
    .option('--grace <seconds>', 'until what looks broken is looked at again', graceOption, GRACE_DEFAULT_S)
    .option('--tenant <uuid>', 'only this tenant; repeatable', addTenant)
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  command.parse(argv);
  const { grace, tenant } = command.opts<{ grace: number; tenant?: string[] }>();
  return { graceMs: grace * 1_000, tenants: tenant };
}

function graceOption(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= 0 && seconds <= GRACE_MAX_S))
    throw new InvalidArgumentError(`Expected seconds from 0 to ${GRACE_MAX_S}.`);
  return seconds;
}

function addTenant(text: string, before: string[] = []): string[] {
  if (!z.guid().safeParse(text).success) throw new InvalidArgumentError('Expected a UUID.');
  return [...before, text.toLowerCase()];
}
