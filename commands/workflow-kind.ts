/**
 * A kind of workflow that should exist as long as a row of Postgres is not done: one definition each. The rebuild, the
 * sweep for those that are missing, and whoever starts one share it.
 */
import type { Client } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import type { z } from 'zod';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { queryRows } from '../platform/rows.ts';
import type { Sql } from '../platform/sql.ts';
import { START_LIMIT_MS, type StartOptions, startEach } from './start-workflows.ts';

export interface WorkflowKind<Row> {
  /** For people: dead letters. */
  name: string;
  /** The type of the workflow. */
  type: string;
  /** How one is started, by whoever finds that it is missing. */
  startOptions: (taskQueue: string, row: Row) => StartOptions;
  /** Notes that the workflow of a row was started. */
  noteStart?: (database: Database, row: Row) => Promise<unknown>;
  count: (database: Database) => Promise<number>;
  /**
   * The rows whose workflow should exist, page by page in the order of a key; a page costs the same however many came
   * before.
   */
  page: (database: Database, after: Row | null, limit: number) => Promise<Row[]>;
  /** Rows of a page of the rebuild. */
  pageSize: number;
  /**
   * Makes a reader of rows whose workflow may be missing: each sweep takes some, and in the end all were taken.
   * `limit` is for those whose workflow nobody has started.
   */
  sweeper: (database: Database) => (limit: number) => Promise<Row[]>;
}

export interface StartDeps {
  database: Database;
  client: Client;
  taskQueue: string;
}

/** Starts the workflow of a row unless it runs, and notes it. `deadline` is in epoch milliseconds. */
export async function startWorkflow<Row>(
  { database, client, taskQueue }: StartDeps,
  { type, startOptions, noteStart }: WorkflowKind<Row>,
  row: Row,
  deadline: number,
): Promise<void> {
  await client.withDeadline(deadline, () =>
    client.workflow.start(type, {
      ...startOptions(taskQueue, row),
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    }),
  );
  await noteStart?.(database, row);
}

/**
 * Makes a sweep, which starts some of the workflows that may be missing: their start was lost, or staff have terminated
 * them. Rejects when none could be started and that may pass.
 */
export function createSweep<Row>(
  deps: StartDeps & { logger: Logger },
  kind: WorkflowKind<Row>,
): (limit: number) => Promise<void> {
  const rows = kind.sweeper(deps.database);
  return async (limit) =>
    startEach(
      await rows(limit),
      (row) => startWorkflow(deps, kind, row, Date.now() + START_LIMIT_MS),
      (row, error) => {
        const { workflowId } = kind.startOptions(deps.taskQueue, row);
        deps.logger.warn({ err: error, workflowId }, 'a workflow that is missing could not be started');
      },
    );
}

/** A table with `workflow_started_at`, which of its rows are not done, and the columns that are wanted of them. */
export interface Unfinished<Row> {
  table: Sql;
  condition: Sql;
  columns: Sql;
  /** What these columns hold. */
  row: z.ZodType<Row>;
}

/** A row is not swept twice within this time, and not sooner after its start. */
const SWEPT_AGAIN_AFTER_MS = 60_000;
/** Every 15 seconds: a thousand rows are swept in five minutes, with three calls a second. */
const SWEPT_MAX = 50;

/**
 * Rows that are not done and whose workflow may be missing: some of those whose workflow nobody has started, and of the
 * others those that were swept the longest ago, which is noted. Where a row comes does not depend on what comes of its
 * start, so one that cannot be started holds up no other; for the same reason the first ones are taken at random.
 *
 * To start a workflow that runs changes nothing and costs a few milliseconds, so that a sweep is simpler than to look
 * for what staff have terminated: Temporal's lists lag behind, they do not know what was lost with a namespace, and a
 * worker that was away would have to read on from where it was.
 */
export const missingRows = <Row>(
  database: Database,
  { table, condition, columns, row }: Unfinished<Row>,
  limit: number,
): Promise<Row[]> =>
  queryRows(database, row)`
    WITH unstarted AS (
      SELECT ${columns} FROM ${table} WHERE ${condition} AND workflow_started_at IS NULL
      ORDER BY random() LIMIT ${limit}),
    longest_ago AS (
      SELECT ctid FROM ${table}
      WHERE ${condition} AND workflow_started_at < now() - ${SWEPT_AGAIN_AFTER_MS} * interval '1 millisecond'
      ORDER BY workflow_started_at LIMIT ${SWEPT_MAX} FOR UPDATE SKIP LOCKED),
    in_turn AS (
      UPDATE ${table} SET workflow_started_at = now() WHERE ctid = ANY(ARRAY(SELECT ctid FROM longest_ago))
      RETURNING ${columns})
    SELECT * FROM unstarted UNION ALL SELECT * FROM in_turn`;
