/**
 * The statements of the transaction (transaction.ts). They are written by hand and few: the round trips, not the work
 * of Postgres, are most of a step's time. Each LIMIT tells Postgres how many rows are given: it would think of a
 * hundred, and read the whole table instead of its index.
 */
import { z } from 'zod';
import type { CommandHead, EntityState } from './decision.ts';
import type { Refusal } from './refusal.ts';
import { type AuditHead, NO_AUDIT } from './audit.ts';
import { insertEvents } from './outbox.ts';
import type { Records } from './records.ts';
import { type Database, type TransactionClient, prepared, thenCommit } from '../platform/database.ts';
import { RECOVERED } from './recovered.ts';
import { queryRows } from '../platform/rows.ts';
import { type Sql, sql, sqlJoin, sqlName } from '../platform/sql.ts';
import type { Change, EntityDefinition } from './entity.ts';
import type { AnyCommandDefinition } from './command.ts';

/** A command whose key was taken and whose entity is locked. */
export interface Loaded {
  command: CommandHead;
  /** false: the key was taken before, the command has been carried out. */
  isNew: boolean;
  /** What this attempt, or a newer one of the same command, was refused with. */
  previousRefusal: Refusal | null;
  /** This attempt was refused as one of another command. */
  isMisused: boolean;
  state: EntityState | null;
  auditHead: AuditHead;
}

/** What the first statement gives of a command, beside the row of its entity. */
const loadedRow = z.looseObject({
  place: z.int(),
  id: z.string().nullable(),
  is_new: z.boolean(),
  previous_refusal: z
    .object({ code: z.string(), detail: z.string(), members: z.record(z.string(), z.unknown()) })
    .nullable(),
  is_misused: z.boolean(),
  audit_sequence: z.int().nullable(),
  audit_hash: z.string().nullable(),
});

/** The first statement: takes the commands' keys (or waits for who took them), locks the entities and loads them. */
export async function lockAndLoad(
  tx: TransactionClient,
  definition: AnyCommandDefinition,
  commands: readonly CommandHead[],
): Promise<Loaded[]> {
  const wanted = commands.map((command, place) => ({ place, ...commandColumns(definition, command) }));
  const rows = await queryRows(tx, loadedRow)`
    WITH wanted AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) AS given(place int, tenant_id uuid,
        command_key text, fingerprint text, attempt_id text, entity_id uuid, step text) LIMIT ${wanted.length}),
    claim AS (
      INSERT INTO commands (tenant_id, command_key, fingerprint, attempt_id, entity_id, step, recorded_at)
      SELECT tenant_id, command_key, fingerprint, attempt_id, entity_id, step, now() FROM wanted
      ORDER BY tenant_id, command_key
      ON CONFLICT DO NOTHING RETURNING tenant_id, command_key),
    locked AS (${definition.entity.lock})
    SELECT wanted.place, claim.command_key IS NOT NULL AS is_new, locked.*,
      (SELECT jsonb_build_object('code', code, 'detail', detail, 'members', members::jsonb) FROM refusals
       WHERE refusals.tenant_id = wanted.tenant_id AND refusals.command_key = wanted.command_key
         AND refusals.fingerprint = wanted.fingerprint AND refusals.entity_id = wanted.entity_id
         AND refusals.attempt_id >= wanted.attempt_id
       ORDER BY refusals.attempt_id LIMIT 1) AS previous_refusal,
      EXISTS (SELECT FROM refusals
       WHERE refusals.tenant_id = wanted.tenant_id AND refusals.command_key = wanted.command_key
         AND refusals.attempt_id = wanted.attempt_id
         AND (refusals.fingerprint <> wanted.fingerprint OR refusals.entity_id <> wanted.entity_id)) AS is_misused
    FROM wanted
    LEFT JOIN claim ON claim.tenant_id = wanted.tenant_id AND claim.command_key = wanted.command_key
    LEFT JOIN locked ON locked.tenant_id = wanted.tenant_id AND locked.id = wanted.entity_id
    ORDER BY wanted.place`;
  const loaded: Loaded[] = [];
  for (const row of rows) {
    const command = commands[row.place];
    if (!command) throw new TypeError('Loading commands returned a row that nobody asked for.');
    loaded.push({
      command,
      isNew: row.is_new,
      previousRefusal: row.previous_refusal,
      isMisused: row.is_misused,
      state: row.id === null ? null : await definition.entity.load(tx, row),
      auditHead: { sequence: row.audit_sequence ?? NO_AUDIT.sequence, hash: row.audit_hash ?? NO_AUDIT.hash },
    });
  }
  return loaded;
}

function commandColumns({ entityId, step }: AnyCommandDefinition, command: CommandHead) {
  const { tenantId, key, fingerprint, attemptId } = command;
  return {
    tenant_id: tenantId,
    command_key: key,
    fingerprint,
    attempt_id: attemptId,
    entity_id: entityId(command),
    step,
  };
}

const answeredRow = z.object({
  tenant_id: z.string(),
  command_key: z.string(),
  fingerprint: z.string(),
  entity_id: z.string(),
  step: z.string(),
  answer: z.string().nullable(),
});

/**
 * What the commands whose key was taken before were answered with; none for one whose key is another's. Read after the
 * first statement, which may have waited for the commit of who took it.
 */
export async function storedAnswers(
  tx: TransactionClient,
  { entityId, step }: AnyCommandDefinition,
  loaded: readonly Loaded[],
): Promise<Map<CommandHead, string>> {
  const answers = new Map<CommandHead, string>();
  const taken = loaded.filter(({ isNew }) => !isNew).map(({ command }) => command);
  if (taken.length === 0) return answers;
  const rows = await queryRows(tx, answeredRow)`
    SELECT tenant_id, command_key, fingerprint, entity_id, step, answer FROM commands
    JOIN unnest(${taken.map(({ tenantId }) => tenantId)}::uuid[], ${taken.map(({ key }) => key)}::text[])
      AS wanted(tenant_id, command_key) USING (tenant_id, command_key)`;
  const known = new Map(rows.map((row) => [`${row.tenant_id} ${row.command_key}`, row]));
  for (const command of taken) {
    const row = known.get(`${command.tenantId} ${command.key}`);
    if (!row) throw new TypeError('A key that was taken before is not there.');
    const isAsked = row.fingerprint === command.fingerprint || row.fingerprint === RECOVERED;
    const isSame = isAsked && row.entity_id === entityId(command) && row.step === step;
    if (isSame && row.answer !== null) answers.set(command, row.answer);
  }
  return answers;
}

export interface Answered {
  tenant_id: string;
  command_key: string;
  answer: string;
}

/** A command that was accepted, with everything that is to be written of it. */
export interface Done extends Omit<Change<EntityState>, 'audit'> {
  auditHead: AuditHead;
  records: Records;
}

const insertInto = (table: string, rows: readonly object[]): Sql => {
  const into = sqlName(table);
  return sql`${sqlName(`the_${table}`)} AS (
    INSERT INTO ${into} SELECT * FROM jsonb_populate_recordset(NULL::${into}, ${JSON.stringify(rows)}::jsonb))`;
};

/** The statements that insert what is recorded, one a table. */
function insertsOf(records: readonly Records[]): Sql[] {
  const events = records.flatMap((one) => one.events);
  const tables = new Map<string, object[]>();
  const add = (table: string, rows: readonly object[]) => tables.set(table, [...(tables.get(table) ?? []), ...rows]);
  for (const { rows, audit } of records) {
    for (const [table, added] of Object.entries(rows)) add(table, added);
    if (audit) add('audit_entries', [audit]);
  }
  return [
    ...[...tables].filter(([, rows]) => rows.length > 0).map(([table, rows]) => insertInto(table, rows)),
    ...(events.length > 0 ? insertEvents(events) : []),
  ];
}

/**
 * Everything that commands write, in one statement: round trips, not the work of Postgres, are most of their time. It
 * is the last one of its transaction.
 */
export async function writeCommands(
  tx: TransactionClient,
  entity: EntityDefinition,
  done: readonly Done[],
  answers: readonly Answered[],
): Promise<void> {
  const changes = done.map(({ auditHead, records: { audit }, ...change }): Change<EntityState> => ({
    ...change,
    audit: audit ? { sequence: audit.sequence, hash: audit.hash } : auditHead,
  }));
  const parts = [
    ...(changes.length > 0 ? entity.write(changes) : []),
    ...insertsOf(done.map(({ records }) => records)),
    sql`answers AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(answers)}::jsonb)
        AS given(tenant_id uuid, command_key text, answer text) LIMIT ${answers.length})`,
  ];
  await tx.$executeRaw`
    WITH ${sqlJoin(parts, ', ')}
    UPDATE ${prepared} commands SET answer = answers.answer FROM answers
    WHERE commands.tenant_id = answers.tenant_id AND commands.command_key = answers.command_key
    ${thenCommit}`;
}

/** Gives a key back that the first statement took. */
export const releaseKey = (tx: TransactionClient, { tenantId, key }: CommandHead): Promise<unknown> =>
  tx.command.delete({ where: { tenantId_key: { tenantId, key } } });

/** Stores refusals under their attempts, and gives back the keys: a new attempt is decided afresh (INV-06). */
export async function storeRefusals(
  database: Database | TransactionClient,
  definition: AnyCommandDefinition,
  refused: readonly { command: CommandHead; refusal: Refusal; isNew: boolean }[],
): Promise<void> {
  if (refused.length === 0) return;
  const rows = refused.map(({ command, refusal: { code, detail, members }, isNew }) => ({
    ...commandColumns(definition, command),
    code,
    detail,
    members: JSON.stringify(members),
    claimed: isNew,
  }));
  await database.$executeRaw`
    WITH given AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(tenant_id uuid, command_key text,
        fingerprint text, attempt_id text, entity_id uuid, code text, detail text, members text, claimed boolean)
      LIMIT ${rows.length}),
    released AS (
      DELETE FROM commands USING given WHERE given.claimed
        AND commands.tenant_id = given.tenant_id AND commands.command_key = given.command_key)
    INSERT INTO refusals
      (tenant_id, command_key, attempt_id, fingerprint, entity_id, code, detail, members, recorded_at)
    SELECT tenant_id, command_key, attempt_id, fingerprint, entity_id, code, detail, members, now() FROM given
    ON CONFLICT DO NOTHING`;
}
