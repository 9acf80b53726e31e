/** The workflow of a batch of dead letters: how it is started, and which should exist: those that have not ended. */
import { inBulk, searchAttributes, workflowTypes } from '../workflows/contract/common.ts';
import { type DeadLetterBatchInput, deadLetterBatchWorkflowId } from '../workflows/contract/dead-letter-batch.ts';
import { z } from 'zod';
import { type WorkflowKind, missingRows } from '../commands/workflow-kind.ts';
import type { Database } from '../platform/database.ts';
import { sql } from '../platform/sql.ts';

const openBatchRow = z.object({ id: z.string(), tenantId: z.string(), action: z.string() });

export type OpenBatch = z.infer<typeof openBatchRow>;

/** How a batch's workflow is started, by whoever finds that it is missing. */
const batchStart = (taskQueue: string, { id, tenantId, action }: OpenBatch) => ({
  workflowId: deadLetterBatchWorkflowId(id),
  taskQueue,
  args: [{ batchId: id }] satisfies [DeadLetterBatchInput],
  priority: inBulk(tenantId),
  staticSummary: `Dead letters, many at once: ${action}`,
  typedSearchAttributes: [{ key: searchAttributes.billingTenant, value: tenantId }],
});

/** Batches of dead letters that have not ended. */
const openBatches = (database: Database, after: OpenBatch | null, limit: number): Promise<OpenBatch[]> =>
  database.deadLetterBatch.findMany({
    where: { endedAt: null, ...(after ? { id: { gt: after.id } } : {}) },
    select: { id: true, tenantId: true, action: true },
    orderBy: { id: 'asc' },
    take: limit,
  });

export const batchWorkflow: WorkflowKind<OpenBatch> = {
  name: 'batches of dead letters',
  type: workflowTypes.deadLetterBatch,
  startOptions: batchStart,
  noteStart: (database, { id }) =>
    database.deadLetterBatch.updateMany({
      where: { id, workflowStartedAt: null },
      data: { workflowStartedAt: new Date() },
    }),
  count: (database) => database.deadLetterBatch.count({ where: { endedAt: null } }),
  page: openBatches,
  pageSize: 100,
  sweeper: (database) => (limit) =>
    missingRows(
      database,
      {
        table: sql`dead_letter_batches`,
        condition: sql`ended_at IS NULL`,
        columns: sql`id, tenant_id AS "tenantId", verb AS action`,
        row: openBatchRow,
      },
      limit,
    ),
};
