/** The kinds of workflows that come and go: why one may be open, and which ones should be. */
import { z } from 'zod';
import { workflowTypes } from '../../workflows/contract/common.ts';
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import { deadLetterBatchWorkflowId } from '../../workflows/contract/dead-letter-batch.ts';
import { eventReplayWorkflowId } from '../../workflows/contract/event-replay.ts';
import { billingRunWorkflowId } from '../../workflows/contract/billing-run.ts';
import { isDate } from '../../values/dates.ts';
import { isFinal, statuses } from '../../invoices/lifecycle.ts';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { sql } from '../../platform/sql.ts';
import { type EntityKey, NO_KEY, PAGE, type World, entityKey, ofTenants, pages, wantedKeys } from './check.ts';

/** A workflow that should be open, and what waits for it. */
interface Due {
  workflowId: string;
  because: string;
}

export interface WorkflowKind {
  type: string;
  /** Why none of these should be open, for those that should not. */
  problemsOf: (database: Database, workflowIds: readonly string[]) => Promise<Map<string, string>>;
  due: (world: World) => AsyncGenerator<Due[], void, void>;
}

/** Whoever recorded it did not come to starting its workflow; the relay of wake-ups does, every 15 s. */
const STARTED_WITHIN = sql`interval '1 minute'`;

/** The parts of an id behind its first word. */
const partsOf = (workflowId: string): string[] => workflowId.split('/').slice(1);
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The problem of a workflow that is about nothing. */
export const NO_ROW = 'there is no row for it';

/**
 * Problems of workflows by their rows: `rowOf` says what is wrong with one, and one without a row has none to wait for.
 */
function problems<Row>(
  workflowIds: readonly string[],
  rows: readonly Row[],
  idOf: (row: Row) => string,
  problemOf: (row: Row) => string | undefined,
): Map<string, string> {
  const found = new Map(rows.map((row) => [idOf(row), problemOf(row)]));
  return new Map(
    workflowIds.flatMap((id): [string, string][] => {
      const problem = found.has(id) ? found.get(id) : NO_ROW;
      return problem === undefined ? [] : [[id, problem]];
    }),
  );
}

const statusRow = entityKey.extend({ status: z.enum(statuses) });
const timerRow = entityKey.extend({ next_timer_at: z.date() });

const invoice: WorkflowKind = {
  type: workflowTypes.invoice,
  problemsOf: async (database, workflowIds) => {
    const keys = workflowIds
      .map(partsOf)
      .filter((parts) => parts.length === 2 && parts.every((part) => UUID.test(part)))
      .map(([tenantId = '', id = '']): EntityKey => ({ tenant_id: tenantId, id }));
    const rows = await queryRows(database, statusRow)`
      SELECT i.tenant_id, i.id, i.status::text FROM ${wantedKeys(keys)} JOIN invoices i USING (tenant_id, id)`;
    return problems(
      workflowIds,
      rows,
      (row) => invoiceWorkflowId(row.tenant_id, row.id),
      ({ status }) => (isFinal(status) ? `its invoice is ${status}` : undefined),
    );
  },
  // One with a wake-up waiting is about to be started.
  due: async function* due(world) {
    const rows = pages((after: EntityKey | null) => {
      const { tenant_id: tenantId, id } = after ?? NO_KEY;
      return queryRows(world.database, timerRow)`
        SELECT tenant_id, id, next_timer_at FROM invoices
        WHERE next_timer_at IS NOT NULL AND (tenant_id, id) > (${tenantId}::uuid, ${id}::uuid)
          AND ${ofTenants(world, sql`tenant_id`)}
          AND NOT EXISTS (SELECT FROM workflow_wakeups w
            WHERE w.tenant_id = invoices.tenant_id AND w.invoice_id = invoices.id)
        ORDER BY tenant_id, id LIMIT ${PAGE}`;
    });
    for await (const page of rows)
      yield page.map((row) => ({
        workflowId: invoiceWorkflowId(row.tenant_id, row.id),
        because: `its invoice has a timer at ${row.next_timer_at.toISOString()}`,
      }));
  },
};

const idRow = z.object({ id: z.string() });
const endedRow = idRow.extend({ ended: z.boolean() });

const deadLetter: WorkflowKind = {
  type: workflowTypes.deadLetter,
  problemsOf: async (database, workflowIds) => {
    const rows = await queryRows(database, endedRow)`
      SELECT id, resolved_at IS NOT NULL AS ended FROM dead_letters WHERE id = ANY(${uuidsOf(workflowIds)}::uuid[])`;
    return problems(
      workflowIds,
      rows,
      ({ id }) => deadLetterWorkflowId(id),
      endedProblem('its dead letter is decided'),
    );
  },
  due: async function* due(world) {
    const rows = pages(
      (after: { id: string } | null) =>
        queryRows(world.database, idRow)`
        SELECT id FROM dead_letters
        WHERE resolved_at IS NULL AND id > ${after?.id ?? NO_KEY.id}::uuid AND ${ofTenants(world, sql`tenant_id`)}
          AND (workflow_started_at IS NOT NULL OR opened_at < now() - ${STARTED_WITHIN})
        ORDER BY id LIMIT ${PAGE}`,
    );
    for await (const page of rows)
      yield page.map(({ id }) => ({ workflowId: deadLetterWorkflowId(id), because: 'its dead letter is undecided' }));
  },
};

const deadLetterBatch: WorkflowKind = {
  type: workflowTypes.deadLetterBatch,
  problemsOf: async (database, workflowIds) => {
    const rows = await queryRows(database, endedRow)`
      SELECT id, ended_at IS NOT NULL AS ended FROM dead_letter_batches
      WHERE id = ANY(${uuidsOf(workflowIds)}::uuid[])`;
    return problems(workflowIds, rows, ({ id }) => deadLetterBatchWorkflowId(id), endedProblem('its batch has ended'));
  },
  due: async function* due(world) {
    const rows = pages(
      (after: { id: string } | null) =>
        queryRows(world.database, idRow)`
        SELECT id FROM dead_letter_batches
        WHERE ended_at IS NULL AND id > ${after?.id ?? NO_KEY.id}::uuid AND ${ofTenants(world, sql`tenant_id`)}
          AND (workflow_started_at IS NOT NULL OR started_at < now() - ${STARTED_WITHIN})
        ORDER BY id LIMIT ${PAGE}`,
    );
    for await (const page of rows)
      yield page.map(({ id }) => ({ workflowId: deadLetterBatchWorkflowId(id), because: 'its batch has not ended' }));
  },
};

const eventReplay: WorkflowKind = {
  type: workflowTypes.eventReplay,
  problemsOf: async (database, workflowIds) => {
    const rows = await queryRows(database, endedRow)`
      SELECT id, ended_at IS NOT NULL AS ended FROM event_replays WHERE id = ANY(${uuidsOf(workflowIds)}::uuid[])`;
    return problems(workflowIds, rows, ({ id }) => eventReplayWorkflowId(id), endedProblem('its replay has ended'));
  },
  due: async function* due(world) {
    const rows = pages(
      (after: { id: string } | null) =>
        queryRows(world.database, idRow)`
        SELECT id FROM event_replays
        WHERE ended_at IS NULL AND id > ${after?.id ?? NO_KEY.id}::uuid AND ${ofTenants(world, sql`tenant_id`)}
          AND (workflow_started_at IS NOT NULL OR started_at < now() - ${STARTED_WITHIN})
        ORDER BY id LIMIT ${PAGE}`,
    );
    for await (const page of rows)
      yield page.map(({ id }) => ({ workflowId: eventReplayWorkflowId(id), because: 'its replay has not ended' }));
  },
};

const runRow = z.object({ tenant_id: z.string(), date: z.string(), ended: z.boolean() });
type RunRow = z.infer<typeof runRow>;

const runId = (row: RunRow): string => billingRunWorkflowId(row.tenant_id, row.date);

const billingRun: WorkflowKind = {
  type: workflowTypes.billingRun,
  problemsOf: async (database, workflowIds) => {
    const runs = workflowIds.map(partsOf).filter(([tenant = '', date = '']) => UUID.test(tenant) && isDate(date));
    const rows = await queryRows(database, runRow)`
      SELECT tenant_id, to_char(business_date, 'YYYY-MM-DD') AS date, ended_at IS NOT NULL AS ended FROM billing_runs
      WHERE (tenant_id, to_char(business_date, 'YYYY-MM-DD')) IN (SELECT * FROM unnest(
        ${runs.map(([tenant = '']) => tenant)}::uuid[], ${runs.map(([, date = '']) => date)}::text[]))`;
    return problems(workflowIds, rows, runId, endedProblem('its run has ended'));
  },
  due: async function* due(world) {
    const rows = pages(
      (after: RunRow | null) =>
        queryRows(world.database, runRow)`
        SELECT tenant_id, to_char(business_date, 'YYYY-MM-DD') AS date, false AS ended FROM billing_runs
        WHERE ended_at IS NULL AND ${ofTenants(world, sql`tenant_id`)}
          AND (tenant_id, business_date)
            > (${after?.tenant_id ?? NO_KEY.tenant_id}::uuid, ${after?.date ?? '-infinity'}::date)
          AND (workflow_started_at IS NOT NULL OR started_at < now() - ${STARTED_WITHIN})
        ORDER BY tenant_id, business_date LIMIT ${PAGE}`,
    );
    for await (const page of rows)
      yield page.map((row) => ({ workflowId: runId(row), because: 'its run has not ended' }));
  },
};

const uuidsOf = (workflowIds: readonly string[]): string[] =>
  workflowIds.flatMap(partsOf).filter((part) => UUID.test(part));

const endedProblem =
  (problem: string) =>
  ({ ended }: { ended: boolean }): string | undefined =>
    ended ? problem : undefined;

export const workflowKinds: readonly WorkflowKind[] = [invoice, deadLetter, deadLetterBatch, billingRun, eventReplay];
