/** The workflow of a billing run: how it is started, and which should exist: those that have not ended. */
import { inBulk, searchAttributes, workflowTypes } from '../workflows/contract/common.ts';
import { type BillingRunInput, billingRunWorkflowId } from '../workflows/contract/billing-run.ts';
import { NIL } from 'uuid';
import { z } from 'zod';
import { type WorkflowKind, missingRows } from '../commands/workflow-kind.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { sql } from '../platform/sql.ts';

/** How a run's workflow is started, by whoever finds that it is missing. */
const billingRunStart = (taskQueue: string, { tenantId, businessDate }: BillingRunInput) => ({
  workflowId: billingRunWorkflowId(tenantId, businessDate),
  taskQueue,
  args: [{ tenantId, businessDate }] satisfies [BillingRunInput],
  priority: inBulk(tenantId),
  staticSummary: `Billing run of ${businessDate}`,
  typedSearchAttributes: [{ key: searchAttributes.billingTenant, value: tenantId }],
});

const runRow = z.object({ tenantId: z.string(), businessDate: z.string() });

/** Billing runs that have not ended. */
async function openRuns(database: Database, after: BillingRunInput | null, limit: number): Promise<BillingRunInput[]> {
  const from = after ?? { tenantId: NIL, businessDate: '-infinity' };
  return queryRows(database, runRow)`
    SELECT tenant_id AS "tenantId", to_char(business_date, 'YYYY-MM-DD') AS "businessDate" FROM billing_runs
    WHERE ended_at IS NULL AND (tenant_id, business_date) > (${from.tenantId}::uuid, ${from.businessDate}::date)
    ORDER BY tenant_id, business_date LIMIT ${limit}`;
}

export const billingRunWorkflow: WorkflowKind<BillingRunInput> = {
  name: 'billing runs',
  type: workflowTypes.billingRun,
  startOptions: billingRunStart,
  noteStart: ({ billingRun }, { tenantId, businessDate }) =>
    billingRun.updateMany({
      where: { tenantId, businessDate: new Date(businessDate) },
      data: { workflowStartedAt: new Date() },
    }),
  count: (database) => database.billingRun.count({ where: { endedAt: null } }),
  page: openRuns,
  pageSize: 100,
  sweeper: (database) => (limit) =>
    missingRows(
      database,
      {
        table: sql`billing_runs`,
        condition: sql`ended_at IS NULL`,
        columns: sql`tenant_id AS "tenantId", to_char(business_date, 'YYYY-MM-DD') AS "businessDate"`,
        row: runRow,
      },
      limit,
    ),
};
