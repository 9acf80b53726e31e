/**
 * Whose workflow should exist: page by page in the order of a key, where a page costs the same however many came
 * before; and in turns, for the relay of wake-ups.
 */
import type { Database } from '../platform/database.ts';
import type { DeadLetterRow } from '../dead-letters/rows.ts';
import { type Sql, sql } from '../platform/sql.ts';

export interface TimedInvoice {
  tenantId: string;
  invoiceId: string;
  /** RFC 3339 */
  nextTimerAt: string;
}

export const countTimedInvoices = (database: Database): Promise<number> =>
  database.invoice.count({ where: { nextTimerAt: { not: null } } });

/** Invoices for which time still has something to tell, the earliest first. */
export async function timedInvoices(
  database: Database,
  after: TimedInvoice | null,
  limit: number,
): Promise<TimedInvoice[]> {
  const from = after ?? { nextTimerAt: '-infinity', tenantId: NIL, invoiceId: NIL };
  const rows = await database.$queryRaw<{ tenant_id: string; id: string; next_timer_at: Date }[]>`
    SELECT tenant_id, id, next_timer_at FROM invoices
    WHERE next_timer_at IS NOT NULL
      AND (next_timer_at, tenant_id, id) > (${from.nextTimerAt}::timestamptz, ${from.tenantId}::uuid, ${from.invoiceId}::uuid)
    ORDER BY next_timer_at, tenant_id, id LIMIT ${limit}`;
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    invoiceId: row.id,
    nextTimerAt: row.next_timer_at.toISOString(),
  }));
}

export const countUndecidedLetters = (database: Database): Promise<number> =>
  database.deadLetter.count({ where: { resolvedAt: null } });

/** What its workflow is started with. */
export type UndecidedLetter = Pick<DeadLetterRow, 'id' | 'tenantId' | 'direction' | 'topic' | 'type' | 'reason'>;

/** Dead letters that nobody has decided, the oldest first: their ids are made in the order of time. */
export const undecidedLetters = (
  database: Database,
  after: DeadLetterRow | null,
  limit: number,
): Promise<DeadLetterRow[]> =>
  database.deadLetter.findMany({
    where: { resolvedAt: null, ...(after ? { id: { gt: after.id } } : {}) },
    orderBy: { id: 'asc' },
    take: limit,
  });

export interface OpenRun {
  tenantId: string;
  /** YYYY-MM-DD */
  businessDate: string;
}

export const countOpenRuns = (database: Database): Promise<number> =>
  database.billingRun.count({ where: { endedAt: null } });

/** Billing runs that have not ended. */
export async function openRuns(database: Database, after: OpenRun | null, limit: number): Promise<OpenRun[]> {
  const from = after ?? { tenantId: NIL, businessDate: '-infinity' };
  return database.$queryRaw<OpenRun[]>`
    SELECT tenant_id AS "tenantId", to_char(business_date, 'YYYY-MM-DD') AS "businessDate" FROM billing_runs
    WHERE ended_at IS NULL AND (tenant_id, business_date) > (${from.tenantId}::uuid, ${from.businessDate}::date)
    ORDER BY tenant_id, business_date LIMIT ${limit}`;
}

export interface OpenBatch {
  id: string;
  tenantId: string;
  verb: string;
}

export const countOpenBatches = (database: Database): Promise<number> =>
  database.deadLetterBatch.count({ where: { endedAt: null } });

/** Batches of dead letters that have not ended. */
export const openBatches = (database: Database, after: OpenBatch | null, limit: number): Promise<OpenBatch[]> =>
  database.deadLetterBatch.findMany({
    where: { endedAt: null, ...(after ? { id: { gt: after.id } } : {}) },
    select: { id: true, tenantId: true, verb: true },
    orderBy: { id: 'asc' },
    take: limit,
  });

/** A table with `workflow_started_at`, which of its rows are not done, and the columns that are wanted of them. */
interface Unfinished {
  table: Sql;
  condition: Sql;
  columns: Sql;
}

/** A row has no two turns within this time, and the first no sooner after its start. */
const TURN_AFTER_MS = 60_000;
/** Every 15 seconds: a thousand rows have had their turn after five minutes, with three calls a second. */
const TURNS_MAX = 50;

/**
 * Rows that are not done and whose workflow may be missing: some of those whose workflow nobody has started, and of the
 * others those whose turn is the longest ago, which is noted. Where a row comes does not depend on what comes of its
 * start, so one that cannot be started holds up no other; for the same reason the first ones are taken at random.
 *
 * To start a workflow that runs changes nothing and costs a few milliseconds, so that a turn is simpler than to look
 * for what staff have terminated: Temporal's lists lag behind, they do not know what was lost with a namespace, and a
 * worker that was away would have to read on from where it was.
 */
const missingWorkflows = <Row>(
  database: Database,
  { table, condition, columns }: Unfinished,
  limit: number,
): Promise<Row[]> => database.$queryRaw<Row[]>`
  WITH unstarted AS (
    SELECT ${columns} FROM ${table} WHERE ${condition} AND workflow_started_at IS NULL
    ORDER BY random() LIMIT ${limit}),
  longest_ago AS (
    SELECT ctid FROM ${table}
    WHERE ${condition} AND workflow_started_at < now() - ${TURN_AFTER_MS} * interval '1 millisecond'
    ORDER BY workflow_started_at LIMIT ${TURNS_MAX} FOR UPDATE SKIP LOCKED),
  in_turn AS (
    UPDATE ${table} SET workflow_started_at = now() WHERE ctid = ANY(ARRAY(SELECT ctid FROM longest_ago))
    RETURNING ${columns})
  SELECT * FROM unstarted UNION ALL SELECT * FROM in_turn`;

export const missingLetterWorkflows = (database: Database, limit: number): Promise<UndecidedLetter[]> =>
  missingWorkflows(
    database,
    {
      table: sql`dead_letters`,
      condition: sql`resolved_at IS NULL`,
      columns: sql`id, tenant_id AS "tenantId", direction, topic, type, reason`,
    },
    limit,
  );

export const missingBatchWorkflows = (database: Database, limit: number): Promise<OpenBatch[]> =>
  missingWorkflows(
    database,
    {
      table: sql`dead_letter_batches`,
      condition: sql`ended_at IS NULL`,
      columns: sql`id, tenant_id AS "tenantId", verb`,
    },
    limit,
  );

export const missingRunWorkflows = (database: Database, limit: number): Promise<OpenRun[]> =>
  missingWorkflows(
    database,
    {
      table: sql`billing_runs`,
      condition: sql`ended_at IS NULL`,
      columns: sql`tenant_id AS "tenantId", to_char(business_date, 'YYYY-MM-DD') AS "businessDate"`,
    },
    limit,
  );

const NIL = '00000000-0000-0000-0000-000000000000';
