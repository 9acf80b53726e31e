/** What a lifecycle leaves in Temporal. */
import type { Client } from '@temporalio/client';

export interface History {
  events: number;
  bytes: number;
}

const SAMPLES = 20;

/** The average of some of these workflows. */
export async function historyOf(client: Client, workflowIds: readonly string[]): Promise<History> {
  const described = await Promise.all(
    workflowIds.slice(0, SAMPLES).map((workflowId) => client.workflow.getHandle(workflowId).describe()),
  );
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    events: average(described.map(({ historyLength }) => historyLength)),
    bytes: average(described.map(({ historySize }) => historySize ?? Number.NaN)),
  };
}
