/** The command line of an import. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { type Field, type Mapping, fields } from './rows.ts';
import type { Service } from './send.ts';

export interface ImportArguments {
  file: string;
  service: Service;
  /** Rows that are settled at once. */
  concurrency: number;
  mapping: Mapping;
}

const CONCURRENCY_DEFAULT = 8;
const CONCURRENCY_MAX = 64;
const HEADER_TEXT = /^[\x20-\x7e]{1,100}$/;

interface Options {
  url: string;
  tenant?: string;
  actor: string;
  token?: string;
  concurrency: number;
  currency?: string;
  column: Mapping['columns'];
  finalize?: true;
  settle?: true;
}

const program = (): Command =>
  new Command('npm run import --')
    .description(
      'Imports invoices from a CSV file through the REST API. Run again it changes nothing: the number is the key.',
    )
    .argument('<file>', 'CSV with a line of headers, UTF-8')
    .option('--url <url>', 'of the service', urlOption, 'http://127.0.0.1:3000')
    .option('--tenant <uuid>', 'tenant of the invoices (the service’s default when absent)', tenantOption)
    .addOption(
      new Option('--token <token>', 'an access token or API key; in the environment nobody else on the machine sees it')
        .env('BILLING_TOKEN')
        .argParser(tokenOption),
    )
    .option('--actor <name>', 'who the history shall name, with AUTH=demo', actorOption, 'import')
    .option(
      '--concurrency <rows>',
      `rows that are settled at once, 1 to ${CONCURRENCY_MAX}`,
      rowsOption,
      CONCURRENCY_DEFAULT,
    )
    .option('--currency <code>', 'ISO 4217 code for rows that name none')
    .addOption(
      new Option('--column <field=Header>', `where a field stands; repeatable. Fields: ${fields.join(', ')}`)
        .argParser(addColumn)
        .default({}, 'the field’s own name'),
    )
    .option('--finalize', 'finalize what was imported')
    .option('--settle', 'finalize, then cancel what is disputed and pay in full what is settled')
    .allowExcessArguments(false);

/** Ends the process with 2, the fault on stderr, when `argv` is wrong; with 0 after --help. */
export function parseArguments(argv: readonly string[]): ImportArguments {
  const command = program().exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  command.parse(argv);
  const {
    url,
    tenant,
    actor,
    token,
    concurrency,
    currency,
    column,
    finalize = false,
    settle = false,
  } = command.opts<Options>();
  return {
    file: command.args[0] ?? '',
    service: { url, tenantId: tenant, actor, token },
    concurrency,
    mapping: { columns: column, currency, finalize, settle },
  };
}

function urlOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InvalidArgumentError('Expected an address such as http://127.0.0.1:3000.');
  }
  return url.href.replace(/\/+$/, '');
}

function tenantOption(text: string): string {
  if (!z.guid().safeParse(text).success) throw new InvalidArgumentError('Expected a UUID.');
  return text;
}

function tokenOption(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new InvalidArgumentError('Expected a token of visible ASCII characters.');
  return text;
}

function actorOption(text: string): string {
  if (!HEADER_TEXT.test(text)) throw new InvalidArgumentError('Expected 1 to 100 printable ASCII characters.');
  return text;
}

function rowsOption(text: string): number {
  const rows = Number(text);
  if (!Number.isInteger(rows) || rows < 1 || rows > CONCURRENCY_MAX) {
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${CONCURRENCY_MAX}.`);
  }
  return rows;
}

function addColumn(text: string, columns: Mapping['columns']): Mapping['columns'] {
  const split = text.indexOf('=');
  const field = fields.find((name) => name === text.slice(0, split));
  const header = text.slice(split + 1).trim();
  if (!field || !header) {
    throw new InvalidArgumentError(`Expected field=Header, where field is one of ${fields.join(', ')}.`);
  }
  return { ...columns, [field]: header } satisfies Partial<Record<Field, string>>;
}
