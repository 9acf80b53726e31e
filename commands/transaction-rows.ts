/**
 * The statements of the transaction (transaction.ts). They are written by hand and few: the round trips, not the work
 * of Postgres, are most of a step's time. Each LIMIT tells Postgres how many rows are given: it would think of a hundred,
 * and read the whole table instead of its index.
 */
import type { CommandHead } from './decision.ts';
import type { DomainEvent } from './domain-events.ts';
import type { Refusal } from './refusal.ts';
import { type AuditHead, NO_AUDIT } from './audit.ts';
import type { Rows } from './reactions.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { type Sql, sql, sqlJoin } from '../platform/sql.ts';
import type { Change, EntityKind } from './entity-kinds.ts';
import type { AnyPlan, AnyState } from './command.ts';

export interface Opened {
  command: CommandHead;
  /** false: the key was taken before, the command has been carried out. */
  claimed: boolean;
  /** What this attempt, or a newer one of the same command, was refused with. */
  told: Refusal | null;
  /** This attempt was refused as one of another command. */
  misused: boolean;
  state: AnyState | null;
  auditHead: AuditHead;
}

type OpenedRow = {
  place: number;
  id: string | null;
  claimed: boolean;
  told: Refusal | null;
  misused: boolean;
  audit_sequence: number;
  audit_hash: string;
};

/** The first statement: takes the commands' keys (or waits for who took them) and locks the entities. */
export async function openCommands(
  tx: TransactionClient,
  plan: AnyPlan,
  commands: readonly CommandHead[],
): Promise<Opened[]> {
  const wanted = commands.map((command, place) => ({ place, ...commandColumns(plan, command) }));
  const rows = await tx.$queryRaw<OpenedRow[]>`
    WITH wanted AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) AS given(place int, tenant_id uuid,
        command_key text, fingerprint text, attempt_id text, entity_id uuid, step text) LIMIT ${wanted.length}),
    claim AS (
      INSERT INTO commands (tenant_id, command_key, fingerprint, attempt_id, entity_id, step, recorded_at)
      SELECT tenant_id, command_key, fingerprint, attempt_id, entity_id, step, now() FROM wanted
      ORDER BY tenant_id, command_key
      ON CONFLICT DO NOTHING RETURNING tenant_id, command_key),
    locked AS (${plan.kind.lock})
    SELECT wanted.place, claim.command_key IS NOT NULL AS claimed, locked.*,
      (SELECT jsonb_build_object('code', code, 'detail', detail, 'members', members::jsonb) FROM refusals
       WHERE refusals.tenant_id = wanted.tenant_id AND refusals.command_key = wanted.command_key
         AND refusals.fingerprint = wanted.fingerprint AND refusals.entity_id = wanted.entity_id
         AND refusals.attempt_id >= wanted.attempt_id
       ORDER BY refusals.attempt_id LIMIT 1) AS told,
      EXISTS (SELECT FROM refusals
       WHERE refusals.tenant_id = wanted.tenant_id AND refusals.command_key = wanted.command_key
         AND refusals.attempt_id = wanted.attempt_id
         AND (refusals.fingerprint <> wanted.fingerprint OR refusals.entity_id <> wanted.entity_id)) AS misused
    FROM wanted
    LEFT JOIN claim ON claim.tenant_id = wanted.tenant_id AND claim.command_key = wanted.command_key
    LEFT JOIN locked ON locked.tenant_id = wanted.tenant_id AND locked.id = wanted.entity_id
    ORDER BY wanted.place`;
  const opened: Opened[] = [];
  for (const row of rows) {
    const command = commands[row.place];
    if (!command) throw new TypeError('Opening a step returned a row that nobody asked for.');
    opened.push({
      command,
      claimed: row.claimed,
      told: row.told,
      misused: row.misused,
      state: row.id === null ? null : await plan.kind.load(tx, row),
      auditHead: row.id === null ? NO_AUDIT : { sequence: row.audit_sequence, hash: row.audit_hash },
    });
  }
  return opened;
}

function commandColumns(plan: AnyPlan, command: CommandHead) {
  const { tenantId, key, fingerprint, attemptId } = command;
  return {
    tenant_id: tenantId,
    command_key: key,
    fingerprint,
    attempt_id: attemptId,
    entity_id: plan.entityId(command),
    step: plan.step,
  };
}

export interface Answered {
  tenant_id: string;
  command_key: string;
  answer: string;
}

export interface Done {
  state: AnyState;
  event: DomainEvent;
  auditHead: AuditHead;
  rows: Rows;
}

const outboxColumns = sql`id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value`;
const inserts: Record<keyof Rows, (json: string) => Sql> = {
  payments: (json) => sql`the_payments AS (
    INSERT INTO payments SELECT * FROM jsonb_populate_recordset(NULL::payments, ${json}::jsonb))`,
  cashier_payments: (json) => sql`the_cashier_payments AS (
    INSERT INTO cashier_payments SELECT * FROM jsonb_populate_recordset(NULL::cashier_payments, ${json}::jsonb))`,
  audit_entries: (json) => sql`the_audit AS (
    INSERT INTO audit_entries SELECT * FROM jsonb_populate_recordset(NULL::audit_entries, ${json}::jsonb))`,
  outbox_events: (json) => sql`the_events AS (
    INSERT INTO outbox_events (${outboxColumns})
    SELECT ${outboxColumns} FROM jsonb_populate_recordset(NULL::outbox_events, ${json}::jsonb))`,
};

/** Everything that steps write, in one statement: round trips, not the work of Postgres, are most of a step's time. */
export async function writeSteps(
  tx: TransactionClient,
  kind: EntityKind<AnyState, DomainEvent>,
  done: readonly Done[],
  answers: readonly Answered[],
): Promise<void> {
  const changes = done.map(({ state, event, auditHead, rows }): Change<AnyState, DomainEvent> => {
    const last = rows.audit_entries.at(-1);
    return { state, event, audit: last ? { sequence: last.sequence, hash: last.hash } : auditHead };
  });
  const parts = [
    ...(changes.length > 0 ? kind.write(changes) : []),
    ...(Object.keys(inserts) as (keyof Rows)[]).flatMap((table) => {
      const rows: unknown[] = done.flatMap((one): unknown[] => one.rows[table]);
      return rows.length > 0 ? [inserts[table](JSON.stringify(rows))] : [];
    }),
    sql`answers AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(answers)}::jsonb)
        AS given(tenant_id uuid, command_key text, answer text) LIMIT ${answers.length})`,
  ];
  await tx.$executeRaw`
    WITH ${sqlJoin(parts, ', ')}
    UPDATE commands SET answer = answers.answer FROM answers
    WHERE commands.tenant_id = answers.tenant_id AND commands.command_key = answers.command_key`;
}

/** Gives a key back that the first statement took. */
export const releaseKey = (tx: TransactionClient, { tenantId, key }: CommandHead): Promise<unknown> =>
  tx.command.delete({ where: { tenantId_key: { tenantId, key } } });

/** Keeps refusals under their attempts, and gives back the keys: a new attempt is decided afresh (INV-06). */
export async function keepRefusals(
  database: Database | TransactionClient,
  plan: AnyPlan,
  refused: readonly { command: CommandHead; refusal: Refusal; claimed: boolean }[],
): Promise<void> {
  if (refused.length === 0) return;
  const rows = refused.map(({ command, refusal: { code, detail, members }, claimed }) => ({
    ...commandColumns(plan, command),
    code,
    detail,
    members: JSON.stringify(members),
    claimed,
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
