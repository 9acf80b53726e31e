import { type Client, WorkflowExecutionAlreadyStartedError, type WorkflowStartOptions } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';

export type StartOptions = Omit<WorkflowStartOptions, 'workflowIdConflictPolicy'>;

const START_LIMIT_MS = 5_000;

/** Starts a workflow unless it runs, and says whether it did: one that runs does not notice. */
export async function startAbsent(client: Client, type: string, options: StartOptions): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + START_LIMIT_MS, () =>
      client.workflow.start(type, { ...options, workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL }),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
