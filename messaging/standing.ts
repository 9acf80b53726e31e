/** The workflows that are always open: the relays, retention, the pages of event versions. */
import { workflowTypes } from '../workflows/contract/common.ts';
import { RETENTION_ID } from '../workflows/contract/retention.ts';
import { type EventVersionInput, eventVersionWorkflowId } from '../workflows/contract/event-version.ts';
import { WAKEUP_RELAY_ID } from '../workflows/contract/wakeup-relay.ts';
import { type RelayInput, relayWorkflowId } from '../workflows/contract/outbox-relay.ts';
import type { Client, WorkflowStartOptions } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';

export interface StandingDeps {
  client: Client;
  taskQueue: string;
  /** How many relays share the outbox. */
  shards: number;
  /** The topics that there are several versions of. */
  versionedTopics: readonly string[];
}

/** Starts those that are not open. `callLimitMs` is for each of them. */
export async function openStanding(
  { client, taskQueue, shards, versionedTopics }: StandingDeps,
  callLimitMs: number,
): Promise<void> {
  const open = (type: string, options: Pick<WorkflowStartOptions, 'workflowId' | 'args' | 'staticSummary'>) =>
    client.withDeadline(Date.now() + callLimitMs, () =>
      client.workflow.start(type, {
        taskQueue,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        ...options,
      }),
    );
  for (let shard = 0; shard < shards; shard += 1) {
    await open(workflowTypes.outboxRelay, {
      workflowId: relayWorkflowId(shard),
      args: [{ shard, shards } satisfies RelayInput],
      staticSummary: `Publishes events, relay ${shard + 1} of ${shards}`,
    });
  }
  await open(workflowTypes.wakeupRelay, {
    workflowId: WAKEUP_RELAY_ID,
    staticSummary: 'Wakes workflows that must look at Postgres again',
  });
  await open(workflowTypes.retention, {
    workflowId: RETENTION_ID,
    staticSummary: 'Deletes what has been kept for long enough',
  });
  for (const topic of versionedTopics) {
    await open(workflowTypes.eventVersion, {
      workflowId: eventVersionWorkflowId(topic),
      args: [{ topic } satisfies EventVersionInput],
      staticSummary: `Who reads ${topic}`,
    });
  }
}
