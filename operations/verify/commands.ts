/**
 * What callers were told: every command has an answer, and the answer is what the history says the entity was then.
 * A command that was carried out was not refused, and every step of a history is a command's. That a person has stopped
 * an attempt is no step.
 */
import { ABANDON } from '../../commands/abandon.ts';
import { type Cashier, cashierToWire } from '../../cashiers/members.ts';
import type { Invoice } from '../../invoices/lifecycle.ts';
import { stringify } from 'safe-stable-stringify';
import { toWire } from '../../invoices/wire.ts';
import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { type Sql, sql } from '../../platform/sql.ts';
import {
  type Check,
  type EntityKey,
  NO_KEY,
  PAGE,
  type Tally,
  type World,
  ofTenants,
  pages,
  wantedKeys,
} from './check.ts';

/** What commands change. */
const WITH_COMMANDS = sql`'invoice', 'cashier', 'event_version'`;

const entryRow = z.object({ entityType: z.string(), body: z.string() });
/** In JSON, where a time is text. */
const entryInJson = entryRow.extend({ at: z.string() });

const commandRow = z.object({
  tenant_id: z.string(),
  command_key: z.string(),
  fingerprint: z.string(),
  entity_id: z.string(),
  step: z.string(),
  answer: z.string().nullable(),
  /** This very attempt of this very command was refused. */
  refused: z.boolean(),
  /** Its entries in the history: one, or null when it changed nothing. */
  entries: z.array(entryInJson).nullable(),
});

interface CommandRow extends z.infer<typeof commandRow> {
  /** The answer as it was meant; undefined when it cannot be read. */
  told: unknown;
  /** The entry of the version that it was answered with. */
  answered: Entry | null;
}

interface Entry extends z.infer<typeof entryRow> {
  at: string | Date;
}

export const commands: Check = {
  name: 'commands',
  run: async (world, tally) => {
    const read = (after: CommandRow | null) => {
      const { tenant_id: tenantId, command_key: key } = after ?? { ...NO_KEY, command_key: '' };
      return readCommands(
        world.database,
        sql`(c.tenant_id, c.command_key) > (${tenantId}::uuid, ${key}) AND ${ofTenants(world, sql`c.tenant_id`)}`,
      );
    };
    for await (const rows of pages(read)) judge(rows, tally);
    await findEntriesWithoutCommand(world, tally);
  },
};

const commandKeyRow = z.object({ tenant_id: z.string(), command_key: z.string() });

/** The same for the commands of the invoices that are named. */
export async function checkCommandsOf(database: Database, keys: readonly EntityKey[], tally: Tally): Promise<void> {
  const commandKeys = await queryRows(database, commandKeyRow)`
    SELECT a.tenant_id, a.command_key FROM ${wantedKeys(keys)}
    JOIN audit_entries a ON a.tenant_id = wanted.tenant_id AND a.entity_type = 'invoice' AND a.entity_id = wanted.id
      AND a.action <> ${ABANDON}`;
  for (let start = 0; start < commandKeys.length; start += PAGE) {
    const some = commandKeys.slice(start, start + PAGE);
    const rows = await readCommands(
      database,
      sql`(c.tenant_id, c.command_key) IN (SELECT * FROM unnest(
        ${some.map((one) => one.tenant_id)}::uuid[], ${some.map((one) => one.command_key)}::text[]))`,
    );
    judge(rows, tally);
    const there = new Set(rows.map((row) => row.command_key));
    for (const { command_key: key } of some) if (!there.has(key)) tally.found(key, WITHOUT_COMMAND);
  }
}

/** One statement sees one instant. */
async function readCommands(database: Database, which: Sql): Promise<CommandRow[]> {
  const rows = await queryRows(database, commandRow)`
    SELECT c.tenant_id, c.command_key, c.fingerprint, c.entity_id, c.step, c.answer,
      EXISTS (SELECT FROM refusals r WHERE r.tenant_id = c.tenant_id AND r.command_key = c.command_key
        AND r.attempt_id = c.attempt_id AND r.fingerprint = c.fingerprint AND r.entity_id = c.entity_id) AS refused,
      (SELECT jsonb_agg(jsonb_build_object('entityType', a.entity_type, 'at', a.at, 'body', a.body))
       FROM audit_entries a
       WHERE a.tenant_id = c.tenant_id AND a.entity_type IN (${WITH_COMMANDS}) AND a.entity_id = c.entity_id
         AND a.command_key = c.command_key) AS entries
    FROM commands c WHERE ${which} ORDER BY c.tenant_id, c.command_key LIMIT ${PAGE}`;
  const read = rows.map((row): CommandRow => {
    const told = row.answer === null ? undefined : parsed(row.answer);
    return Object.assign(row, { told, answered: null });
  });
  const withoutEntry = read.filter(({ entries }) => entries === null);
  const versions = await readVersions(database, withoutEntry);
  for (const row of withoutEntry) row.answered = versions.get(versionKey(row)) ?? null;
  return read;
}

type Told = Pick<CommandRow, 'tenant_id' | 'entity_id' | 'told'>;

const versionKey = ({ tenant_id: tenantId, entity_id: id, told }: Told): string =>
  `${tenantId}/${id}/${String(named(told, 'version'))}`;

const versionRow = entryRow.extend({
  tenant_id: z.string(),
  entity_id: z.string(),
  version: z.int(),
  at: z.date(),
});

/** What the histories say of the versions that the commands were answered with. */
async function readVersions(database: Database, rows: readonly Told[]): Promise<Map<string, Entry>> {
  const known = rows.filter(({ told }) => Number.isInteger(named(told, 'version')));
  if (known.length === 0) return new Map();
  const entries = await queryRows(database, versionRow)`
    SELECT DISTINCT ON (a.tenant_id, a.entity_id, a.version)
      a.tenant_id, a.entity_id, a.version, a.entity_type AS "entityType", a.at, a.body
    FROM unnest(${known.map((row) => row.tenant_id)}::uuid[], ${known.map((row) => row.entity_id)}::uuid[],
      ${known.map(({ told }) => named(told, 'version'))}::int[]) AS wanted(tenant_id, id, version)
    JOIN audit_entries a ON a.tenant_id = wanted.tenant_id AND a.entity_type IN ('invoice', 'event_version')
      AND a.entity_id = wanted.id AND a.version = wanted.version AND a.action <> ${ABANDON}
    ORDER BY a.tenant_id, a.entity_id, a.version, a.sequence DESC`;
  return new Map(entries.map((entry) => [versionKey({ ...entry, told: entry }), entry]));
}

function judge(rows: readonly CommandRow[], { saw, found }: Tally): void {
  saw('commands', rows.length);
  for (const row of rows) {
    const problem = problemOf(row);
    if (problem) found(row.command_key, `${row.step} of ${row.entity_id}: ${problem}`);
  }
}

/** Carried out before under another key, these answer and change nothing. */
const MAY_CHANGE_NOTHING = new Set(['pay', 'overdue', 'remind', 'dropCurrency', 'simulatePayment', 'fill']);

function problemOf(row: CommandRow): string | undefined {
  if (row.answer === null) return 'has no answer';
  if (row.told === undefined) return 'was answered with what is no JSON';
  if (row.fingerprint === '') return 'has no fingerprint';
  if (row.refused) return 'was carried out and refused, in one attempt';
  if (row.entries && row.entries.length > 1) return `took effect ${row.entries.length} times`;
  if (row.step === 'discard')
    return named(row.told, 'deadLetterId') === row.entity_id && row.entries === null
      ? undefined
      : 'was discarded, and carried out all the same';
  if (row.step === 'simulatePayment')
    return named(row.told, 'invoiceId') === row.entity_id ? undefined : 'was answered with another invoice';
  return row.entries || MAY_CHANGE_NOTHING.has(row.step) ? answerProblem(row) : 'has no entry in the history';
}

function answerProblem({ step, answer, told, entries, answered }: CommandRow): string | undefined {
  const tells = entries?.[0] ?? answered;
  if (!tells)
    return step === 'dropCurrency' && told === null
      ? undefined
      : 'was answered with a version that the history does not have';
  const body = parsed(tells.body);
  if (typeof body !== 'object' || body === null) return 'its entry in the history cannot be read';
  const expected = expectedAnswer(tells.entityType);
  return stringify(told) === stringify(expected)
    ? undefined
    : `was answered with ${answer}, the history says ${stringify(expected)}`;

  function expectedAnswer(entityType: string): unknown {
    if (entityType === 'event_version') return body;
    if (entityType === 'cashier') return cashierAnswer(step, body as Cashier, told);
    return invoiceAnswer(body as Invoice, tells?.at ?? '', told, entries !== null);
  }
}

/** A payment that was known already is answered later than its entry: by then the invoice may be overdue. */
function invoiceAnswer(invoice: Invoice, at: string | Date, told: unknown, isOwnEntry: boolean): object {
  const expected = toWire(invoice, new Date(at).toISOString());
  return isOwnEntry ? expected : { ...expected, overdue: named(told, 'overdue') };
}

function cashierAnswer(step: string, cashier: Cashier, told: unknown): unknown {
  if (step === 'create' || step === 'update') return cashierToWire(cashier);
  if (step !== 'acceptCurrency') return null;
  return cashier.currencies.find(({ currency }) => currency === named(told, 'currency'));
}

const named = (value: unknown, name: string): unknown => (value as Record<string, unknown> | null)?.[name];

/** undefined when the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const WITHOUT_COMMAND = 'has an entry in the history, but is no command';

const entryKeyRow = z.object({
  tenant_id: z.string(),
  entity_type: z.string(),
  entity_id: z.string(),
  sequence: z.int(),
  command_key: z.string(),
});
type EntryKey = z.infer<typeof entryKeyRow>;

async function findEntriesWithoutCommand(world: World, { found }: Tally): Promise<void> {
  const first = { tenant_id: NO_KEY.tenant_id, entity_type: '', entity_id: NO_KEY.id, sequence: 0 };
  const orphans = pages((after: EntryKey | null) => {
    const { tenant_id: tenantId, entity_type: type, entity_id: id, sequence } = after ?? first;
    return queryRows(world.database, entryKeyRow)`
      SELECT tenant_id, entity_type, entity_id, sequence, command_key FROM audit_entries a
      WHERE (tenant_id, entity_type, entity_id, sequence) > (${tenantId}::uuid, ${type}, ${id}::uuid, ${sequence})
        AND entity_type IN (${WITH_COMMANDS}) AND action <> ${ABANDON} AND ${ofTenants(world, sql`tenant_id`)}
        AND NOT EXISTS (SELECT FROM commands c WHERE c.tenant_id = a.tenant_id AND c.command_key = a.command_key)
      ORDER BY tenant_id, entity_type, entity_id, sequence LIMIT ${PAGE}`;
  });
  for await (const rows of orphans)
    for (const row of rows) found(row.command_key, `${row.entity_type} ${row.entity_id}: ${WITHOUT_COMMAND}`);
}
