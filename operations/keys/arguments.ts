/** The command line of `npm run keys`. */
import { Command, Option } from 'commander';
import { z } from 'zod';
import { makeKeySchema, rotateKeySchema } from '../../access/schemas.ts';
import { type Scope, scopeNames, scopes } from '../../access/scopes.ts';
import { parsedBy } from '../option.ts';

/** What is asked for, with the tenant (null: keys of all tenants) and who asks. */
export type KeysRequest = { tenantId: string | null; actor: string } & (
  | { action: 'make'; name: string; scopes: Scope[]; expiresAt: Date | null }
  | { action: 'list' }
  | { action: 'revoke'; id: string }
  | { action: 'rotate'; id: string; graceMs: number; expiresAt: Date | null }
);

interface Options {
  tenant?: string;
  allTenants?: true;
  actor: string;
  expiresInDays?: number;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const DAYS_MAX = 3_650;

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): KeysRequest {
  let request: KeysRequest | undefined;
  const program = new Command('npm run keys --')
    .description('Makes, lists, revokes and rotates API keys. It needs Postgres only, so it makes the first key too.')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  const action = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .copyInheritedSettings(program)
      .option('--tenant <uuid>', 'whose keys they are', uuidOption)
      .addOption(new Option('--all-tenants', 'keys of no tenant, which may name any').conflicts('tenant'))
      .option('--actor <name>', 'who the list of keys shall name', 'npm run keys')
      .allowExcessArguments(false);
  const whose = (command: Command, { tenant, allTenants, actor }: Options) => {
    if (tenant === undefined && !allTenants) command.error("error: required: '--tenant <uuid>' or '--all-tenants'");
    return { tenantId: tenant ?? null, actor };
  };

  action('make', `Makes a key, and prints it once. Scopes:\n${scopeLines()}`)
    .requiredOption('--name <name>', 'stands in the history of what is done with the key', nameOption)
    .requiredOption('--scope <scope>', 'what the key allows; repeatable', addScope)
    .option('--expires-in-days <days>', 'it does not expire when absent', daysOption)
    .action((options: Options & { name: string; scope: Scope[] }, command: Command) => {
      const { tenantId, actor } = whose(command, options);
      const given = options.scope.filter((one) => one !== 'tenants:all');
      request = {
        action: 'make',
        tenantId,
        actor,
        name: options.name,
        scopes: tenantId === null ? [...given, 'tenants:all'] : given,
        expiresAt: expiryOf(options),
      };
    });
  action('list', 'Lists keys, newest first').action((options: Options, command: Command) => {
    request = { action: 'list', ...whose(command, options) };
  });
  action('revoke', 'Revokes a key: every process refuses it within five seconds')
    .argument('<id>', 'of the key', uuidOption)
    .action((id: string, options: Options, command: Command) => {
      request = { action: 'revoke', id, ...whose(command, options) };
    });
  action('rotate', 'Makes a key in place of another, and prints it once')
    .argument('<id>', 'of the key', uuidOption)
    .option(
      '--grace <seconds>',
      'so long the old key goes on counting',
      graceOption,
      rotateKeySchema.parse({}).graceSeconds,
    )
    .option('--expires-in-days <days>', 'it does not expire when absent', daysOption)
    .action((id: string, options: Options & { grace: number }, command: Command) => {
      const expiresAt = expiryOf(options);
      request = { action: 'rotate', id, ...whose(command, options), graceMs: options.grace * 1_000, expiresAt };
    });

  program.parse(argv);
  if (!request) throw new TypeError('No action has run.');
  return request;
}

const scopeLines = (): string => scopeNames.map((scope) => `  ${scope}: ${scopes[scope]}`).join('\n');

const expiryOf = ({ expiresInDays: days }: Options): Date | null =>
  days === undefined ? null : new Date(Date.now() + days * DAY_MS);

const uuidOption = parsedBy(z.guid().toLowerCase(), 'a UUID');
const nameOption = parsedBy(makeKeySchema.shape.name, 'a name of one line');
const daysOption = parsedBy(z.coerce.number().int().min(1).max(DAYS_MAX), `days from 1 to ${DAYS_MAX}`);
const graceOption = parsedBy(
  z.coerce.number().pipe(rotateKeySchema.unwrap().shape.graceSeconds.out.unwrap()),
  'seconds, up to 30 days',
);
const scopeOption = parsedBy(z.enum(scopeNames), `one of ${scopeNames.join(', ')}`);

const addScope = (text: string, before: Scope[] = []): Scope[] => [...new Set([...before, scopeOption(text)])];
