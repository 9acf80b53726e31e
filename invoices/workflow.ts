/**
 * The workflow of an invoice: how it is started and woken, and which should exist: those for which time has something.
 */
import { WORKFLOW_TASK_TIMEOUT_MS, ofTenant, searchAttributes, workflowTypes } from '../workflows/contract/common.ts';
import { type InvoiceInput, WAKE, invoiceWorkflowId } from '../workflows/contract/invoice.ts';
import { NIL } from 'uuid';
import { z } from 'zod';
import type { SendDeps } from '../commands/send-update.ts';
import type { WorkflowKind } from '../commands/workflow-kind.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

/** How an invoice's workflow is started, whoever has something for it. */
export const invoiceStart = (taskQueue: string, { tenantId, invoiceId }: InvoiceInput) => ({
  workflowId: invoiceWorkflowId(tenantId, invoiceId),
  taskQueue,
  args: [{ tenantId, invoiceId }] satisfies [InvoiceInput],
  workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
  priority: ofTenant(tenantId),
  staticSummary: `Invoice ${invoiceId}`,
  staticDetails: STATIC_DETAILS,
  typedSearchAttributes: [{ key: searchAttributes.billingTenant, value: tenantId }],
});

/** Makes an invoice's workflow look at Postgres again, and starts it when there is none. */
export const signalInvoice = (deps: SendDeps, input: InvoiceInput): Promise<unknown> =>
  deps.client.workflow.signalWithStart(workflowTypes.invoice, {
    ...invoiceStart(deps.taskQueue, input),
    signal: WAKE,
    signalArgs: [],
  });

const STATIC_DETAILS = [
  'One invoice, from draft to paid or cancelled. Postgres holds the truth: terminating or resetting this workflow loses nothing, the next command starts it again.',
  '',
  'To mend something, send an update (More Actions, Send an Update): `cancel`, `pay`, `finalize`, `update`, or `abandon` for a command that is stuck. Request Cancellation changes nothing.',
].join('\n');

export interface TimedInvoice {
  tenantId: string;
  invoiceId: string;
  /** RFC 3339 */
  nextTimerAt: string;
}

const timedRow = z.object({ tenant_id: z.string(), id: z.string(), next_timer_at: z.date() });

/** Invoices for which time still has something to tell, the earliest first. */
async function timedInvoices(database: Database, after: TimedInvoice | null, limit: number): Promise<TimedInvoice[]> {
  const from = after ?? { nextTimerAt: '-infinity', tenantId: NIL, invoiceId: NIL };
  const rows = await queryRows(database, timedRow)`
    SELECT tenant_id, id, next_timer_at FROM invoices
    WHERE next_timer_at IS NOT NULL
      AND (next_timer_at, tenant_id, id)
        > (${from.nextTimerAt}::timestamptz, ${from.tenantId}::uuid, ${from.invoiceId}::uuid)
    ORDER BY next_timer_at, tenant_id, id LIMIT ${limit}`;
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    invoiceId: row.id,
    nextTimerAt: row.next_timer_at.toISOString(),
  }));
}

/** Of invoices with a timer, in one sweep. */
const SWEPT_MAX = 50;
/** No invoice is swept twice within this time. */
const ROUND_EVERY_MS = 60_000;

/**
 * Invoices with a timer ahead are swept: the workflow of one that staff have terminated is back before the timer
 * should fire. The next timers come first, some with each sweep.
 */
function sweeper(database: Database): () => Promise<TimedInvoice[]> {
  let after: TimedInvoice | null = null;
  let roundAt = 0;
  return async () => {
    if (after === null && performance.now() < roundAt) return [];
    if (after === null) roundAt = performance.now() + ROUND_EVERY_MS;
    const invoices = await timedInvoices(database, after, SWEPT_MAX);
    after = (invoices.length === SWEPT_MAX ? invoices.at(-1) : undefined) ?? null;
    return invoices;
  };
}

export const invoiceWorkflow: WorkflowKind<TimedInvoice> = {
  name: 'invoices',
  type: workflowTypes.invoice,
  startOptions: invoiceStart,
  count: (database) => database.invoice.count({ where: { nextTimerAt: { not: null } } }),
  page: timedInvoices,
  pageSize: 1_000,
  sweeper,
};
