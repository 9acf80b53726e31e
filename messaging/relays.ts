/** The relays: workflows that are always open. */
import { workflowTypes } from '../workflows/contract/common.ts';
import { WAKEUP_RELAY_ID } from '../workflows/contract/wakeup-relay.ts';
import { type RelayInput, relayWorkflowId } from '../workflows/contract/outbox-relay.ts';
import type { Client } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';

export interface RelayDeps {
  client: Client;
  taskQueue: string;
  shards: number;
}

/** Starts the relays that are not open. `callLimitMs` is for each of them. */
export async function openRelays({ client, taskQueue, shards }: RelayDeps, callLimitMs: number): Promise<void> {
  const workflowIdConflictPolicy = WorkflowIdConflictPolicy.USE_EXISTING;
  for (let shard = 0; shard < shards; shard += 1) {
    await client.withDeadline(Date.now() + callLimitMs, () =>
      client.workflow.start(workflowTypes.outboxRelay, {
        workflowId: relayWorkflowId(shard),
        taskQueue,
        args: [{ shard, shards } satisfies RelayInput],
        workflowIdConflictPolicy,
        staticSummary: `Publishes events, relay ${shard + 1} of ${shards}`,
      }),
    );
  }
  await client.withDeadline(Date.now() + callLimitMs, () =>
    client.workflow.start(workflowTypes.wakeupRelay, {
      workflowId: WAKEUP_RELAY_ID,
      taskQueue,
      workflowIdConflictPolicy,
      staticSummary: 'Wakes workflows that must look at Postgres again',
    }),
  );
}
