/** The workflow of a replay of events: how it is started, and which should exist: those that have not ended. */
import { NIL } from 'uuid';
import { z } from 'zod';
import { type WorkflowKind, missingRows } from '../commands/workflow-kind.ts';
import type { Database } from '../platform/database.ts';
import { sql } from '../platform/sql.ts';
import { inBulk, searchAttributes, workflowTypes } from '../workflows/contract/common.ts';
import { type EventReplayInput, eventReplayWorkflowId } from '../workflows/contract/event-replay.ts';

const openReplayRow = z.object({
  id: z.string(),
  tenantId: z.string().nullable(),
  subscriber: z.string(),
  topic: z.string(),
});

export type OpenReplay = z.infer<typeof openReplayRow>;

/** How a replay's workflow is started, by whoever needs it. */
export const startOptions = (taskQueue: string, { id, tenantId, subscriber, topic }: OpenReplay) => ({
  workflowId: eventReplayWorkflowId(id),
  taskQueue,
  args: [{ replayId: id }] satisfies [EventReplayInput],
  priority: inBulk(tenantId ?? NIL),
  staticSummary: `Events once more, for ${subscriber}`,
  typedSearchAttributes: [
    { key: searchAttributes.topic, value: topic },
    ...(tenantId === null ? [] : [{ key: searchAttributes.billingTenant, value: tenantId }]),
  ],
});

/** Replays that have not ended. */
const openReplays = (database: Database, after: OpenReplay | null, limit: number): Promise<OpenReplay[]> =>
  database.eventReplay.findMany({
    where: { endedAt: null, ...(after ? { id: { gt: after.id } } : {}) },
    select: { id: true, tenantId: true, subscriber: true, topic: true },
    orderBy: { id: 'asc' },
    take: limit,
  });

export const eventReplayWorkflow: WorkflowKind<OpenReplay> = {
  name: 'replays of events',
  type: workflowTypes.eventReplay,
  startOptions,
  noteStart: (database, { id }) =>
    database.eventReplay.updateMany({
      where: { id, workflowStartedAt: null },
      data: { workflowStartedAt: new Date() },
    }),
  count: (database) => database.eventReplay.count({ where: { endedAt: null } }),
  page: openReplays,
  pageSize: 100,
  sweeper: (database) => (limit) =>
    missingRows(
      database,
      {
        table: sql`event_replays`,
        condition: sql`ended_at IS NULL`,
        columns: sql`id, tenant_id AS "tenantId", subscriber, topic`,
        row: openReplayRow,
      },
      limit,
    ),
};
