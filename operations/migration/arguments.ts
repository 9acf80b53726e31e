/** The command line of `npm run migration`. */
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { decisionNames, type DecisionName } from '../../event-versions/stage.ts';
import { calendarDate, oneLine } from '../../values/schema.ts';
import { ACTOR_LENGTH, REASON_LENGTH } from '../../values/text.ts';
import { parsedBy } from '../option.ts';

export type MigrationRequest =
  | { action: 'status' }
  | { action: DecisionName; topic: string; reason: string; actor: string; sunset: string | null; force: boolean };

interface Options {
  reason: string;
  actor: string;
  sunset?: string;
  force?: true;
}

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): MigrationRequest {
  let request: MigrationRequest | undefined;
  const program = new Command('npm run migration --')
    .description(
      'Says which versions of events are published and who reads them, and opens, deprecates and closes them.',
    )
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  program
    .command('status', { isDefault: true })
    .description('Says which versions there are')
    .copyInheritedSettings(program)
    .allowExcessArguments(false)
    .action(() => {
      request = { action: 'status' };
    });
  for (const action of decisionNames) {
    const command = program
      .command(action)
      .description(descriptions[action])
      .copyInheritedSettings(program)
      .argument('<topic>', 'its name, as status says it')
      .requiredOption('--reason <text>', 'stands in the audit trail', reasonOption)
      .option('--actor <name>', 'who decides', actorOption, userInfo().username)
      .allowExcessArguments(false)
      .action((topic: string, { reason, actor, sunset, force }: Options) => {
        request = { action, topic, reason, actor, sunset: sunset ?? null, force: force ?? false };
      });
    if (action === 'deprecate')
      command.requiredOption('--sunset <day>', 'YYYY-MM-DD; it may be closed after this day', dayOption);
    if (action === 'close') command.option('--force', 'although it may be read');
  }
  program.parse(argv);
  if (!request) throw new TypeError('No action has run.');
  return request;
}

const descriptions: Readonly<Record<DecisionName, string>> = {
  open: 'Publishes a version beside the one before it, filled with what was told already',
  deprecate: 'Says in each event until when a version goes on',
  close: 'Ends a version for good',
};

const reasonOption = parsedBy(oneLine(...REASON_LENGTH), 'a reason of one line');
const actorOption = parsedBy(oneLine(...ACTOR_LENGTH), 'a name of one line');
const dayOption = parsedBy(calendarDate(), 'a day as YYYY-MM-DD');
