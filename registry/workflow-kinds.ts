/**
 * Every kind of workflow that should exist as long as a row is not done, the most urgent first: what moves events, what
 * people wait for, then what time brings. The relays are always open (messaging/standing.ts).
 */
import { billingRunWorkflow } from '../billing-runs/workflow.ts';
import type { WorkflowKind } from '../commands/workflow-kind.ts';
import { batchWorkflow } from '../dead-letters/batch-workflow.ts';
import { deadLetterWorkflow } from '../dead-letters/workflow.ts';
import { eventReplayWorkflow } from '../event-replays/workflow.ts';
import { invoiceWorkflow } from '../invoices/workflow.ts';

/** Whoever goes through them need not tell the rows of one kind from those of another. */
const any = <Row>(kind: WorkflowKind<Row>) => kind as WorkflowKind<unknown>;

export const workflowKinds: readonly WorkflowKind<unknown>[] = [
  any(deadLetterWorkflow),
  any(batchWorkflow),
  any(billingRunWorkflow),
  any(eventReplayWorkflow),
  any(invoiceWorkflow),
];
