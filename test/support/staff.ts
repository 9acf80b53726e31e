/** What support staff can do to a workflow, and what they see of it. */
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { waitFor } from './wait.ts';

export interface Staff {
  terminate: () => Promise<void>;
  requestCancellation: () => Promise<void>;
  /** Resets the latest run to its first workflow task, as `temporal workflow reset --type FirstWorkflowTask`. */
  resetToBeginning: () => Promise<void>;
  update: (name: string, ...args: unknown[]) => Promise<unknown>;
  /** The same, with the field "Update ID" filled in. */
  updateWithId: (updateId: string, name: string, ...args: unknown[]) => Promise<unknown>;
  details: () => Promise<string>;
  status: () => Promise<string>;
  waitForStatus: (status: string) => Promise<string>;
  searchAttributes: () => Promise<Record<string, unknown>>;
}

/** At an invoice's workflow. */
export const staffOf = (client: Client, namespace: string, tenantId: string, invoiceId: string): Staff =>
  staffAt(client, namespace, invoiceWorkflowId(tenantId, invoiceId));

/** At a dead letter's workflow. */
export const staffOfDeadLetter = (client: Client, namespace: string, deadLetterId: string): Staff =>
  staffAt(client, namespace, deadLetterWorkflowId(deadLetterId));

/** At any workflow. */
export function staffAt(client: Client, namespace: string, workflowId: string): Staff {
  const handle = () => client.workflow.getHandle(workflowId);
  const status = async () => (await handle().describe()).status.name;
  return {
    terminate: async () => void (await handle().terminate('by a test')),
    requestCancellation: async () => void (await handle().cancel()),
    resetToBeginning: async () => {
      const { runId } = await handle().describe();
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const first = events?.find((event) => event.workflowTaskCompletedEventAttributes);
      await client.workflowService.resetWorkflowExecution({
        namespace,
        workflowExecution: { workflowId, runId },
        reason: 'by a test',
        requestId: crypto.randomUUID(),
        workflowTaskFinishEventId: first?.eventId as never,
      });
    },
    update: (name, ...args) => handle().executeUpdate(name, { args: args as [] }),
    updateWithId: (updateId, name, ...args) => handle().executeUpdate(name, { args: args as [], updateId }),
    details: async () => {
      const metadata = await handle().query<temporal.api.sdk.v1.IWorkflowMetadata>('__temporal_workflow_metadata');
      return metadata.currentDetails ?? '';
    },
    status,
    waitForStatus: (wanted) =>
      waitFor(`status ${wanted}`, async () => ((await status()) === wanted ? wanted : undefined)),
    searchAttributes: async () => (await handle().describe()).searchAttributes,
  };
}
