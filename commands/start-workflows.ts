import { type Client, WorkflowExecutionAlreadyStartedError, type WorkflowStartOptions } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { mayPass } from '../platform/failed-server.ts';

export type StartOptions = Omit<WorkflowStartOptions, 'workflowIdConflictPolicy'>;

/** For one start. */
export const START_LIMIT_MS = 5_000;
const START_EACH_LIMIT_MS = 20_000;

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

/**
 * Starts the workflow of each row, so many at once. One that cannot be started does not keep the others from it.
 * Rejects when none could be and that may pass: a server is away.
 */
export async function startEach<Row>(
  rows: readonly Row[],
  start: (row: Row) => Promise<void>,
  onFailure: (row: Row, error: unknown) => void,
  atOnce = 1,
): Promise<void> {
  const until = performance.now() + START_EACH_LIMIT_MS;
  const left = rows.values();
  let started = false;
  let failure: unknown;
  const startNext = async (): Promise<void> => {
    for (const row of left) {
      if (performance.now() > until) return;
      try {
        await start(row);
        started = true;
      } catch (error) {
        onFailure(row, error);
        if (mayPass(error)) failure = error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, startNext));
  if (failure !== undefined && !started) throw failure;
}
