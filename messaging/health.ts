/** Could a message be carried out at all? When not, that it has no answer says nothing about the message. */
import type { Client } from '@temporalio/client';
import type { Database } from '../platform/database.ts';

const CALL_LIMIT_MS = 2_000;
/** A worker's long poll ends within a minute; one that has not asked for longer is gone. */
const WORKER_GONE_AFTER_MS = 90_000;
const WORKFLOW_TASKS = 1;

/** Postgres answers, Temporal answers, and a worker asks for work. */
export const createHealthCheck =
  ({ database, client, taskQueue }: { database: Database; client: Client; taskQueue: string }) =>
  async (): Promise<boolean> => {
    try {
      await database.$queryRaw`SELECT 1`;
      const { pollers } = await client.withDeadline(Date.now() + CALL_LIMIT_MS, () =>
        client.workflowService.describeTaskQueue({
          namespace: client.options.namespace,
          taskQueue: { name: taskQueue },
          taskQueueType: WORKFLOW_TASKS,
        }),
      );
      const since = (Date.now() - WORKER_GONE_AFTER_MS) / 1000;
      return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) >= since);
    } catch {
      return false;
    }
  };
