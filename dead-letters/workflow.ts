/**
 * The workflow of a dead letter: how it is started, and which should exist: those of dead letters that nobody has
 * decided.
 */
import { WORKFLOW_TASK_TIMEOUT_MS, searchAttributes, workflowTypes } from '../workflows/contract/common.ts';
import { type DeadLetterInput, deadLetterWorkflowId } from '../workflows/contract/dead-letter.ts';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { z } from 'zod';
import { type WorkflowKind, missingRows } from '../commands/workflow-kind.ts';
import type { Database } from '../platform/database.ts';
import { sql } from '../platform/sql.ts';

const unresolvedRow = z.object({
  id: z.string(),
  tenantId: z.string().nullable(),
  direction: z.string(),
  topic: z.string(),
  type: z.string().nullable(),
  reason: z.string(),
});

/** What its workflow is started with. */
export type UnresolvedDeadLetter = z.infer<typeof unresolvedRow>;

/** How the workflow of a dead letter is started, by whoever needs it. */
export function startOptions(
  taskQueue: string,
  { id, tenantId, direction, topic, type, reason }: UnresolvedDeadLetter,
) {
  const attributes = [
    { key: searchAttributes.topic, value: topic },
    { key: searchAttributes.eventType, value: type },
    { key: searchAttributes.failureReason, value: reason },
    { key: searchAttributes.billingTenant, value: tenantId },
  ];
  return {
    workflowId: deadLetterWorkflowId(id),
    taskQueue,
    args: [{ deadLetterId: id } satisfies DeadLetterInput] as [DeadLetterInput],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
    staticSummary: `Dead letter, ${direction}: ${reason}`,
    staticDetails: staticDetails(direction),
    typedSearchAttributes: attributes.flatMap(({ key, value }) => (value ? [{ key, value }] : [])),
  };
}

const staticDetails = (direction: string): string =>
  [
    direction === 'outbound'
      ? 'An event that Kafka refuses for good, held until a person decides. Its stream waits, no other does.'
      : 'A message that could not be handled, held until a person decides.',
    'Postgres holds the truth: terminating or resetting this workflow loses nothing.',
    '',
    direction === 'outbound'
      ? 'To decide, send an update (More Actions, Send an Update): `replay` sends the event again, `edit` gives it another payload, `withhold` sends EventWithheld in its place.'
      : 'To decide, send an update (More Actions, Send an Update): `replay` hands the message in again, `edit` gives it another payload, `discard` ends it.',
    'Each takes your name and a reason. Request Cancellation changes nothing.',
  ].join('\n');

/** The oldest first: their ids are made in the order of time. */
const unresolvedDeadLetters = (
  database: Database,
  after: UnresolvedDeadLetter | null,
  limit: number,
): Promise<UnresolvedDeadLetter[]> =>
  database.deadLetter.findMany({
    where: { resolvedAt: null, ...(after ? { id: { gt: after.id } } : {}) },
    select: { id: true, tenantId: true, direction: true, topic: true, type: true, reason: true },
    orderBy: { id: 'asc' },
    take: limit,
  });

export const deadLetterWorkflow: WorkflowKind<UnresolvedDeadLetter> = {
  name: 'dead letters',
  type: workflowTypes.deadLetter,
  startOptions,
  noteStart: (database, { id }) =>
    database.deadLetter.updateMany({
      where: { id, workflowStartedAt: null },
      data: { workflowStartedAt: new Date() },
    }),
  count: (database) => database.deadLetter.count({ where: { resolvedAt: null } }),
  page: unresolvedDeadLetters,
  pageSize: 100,
  sweeper: (database) => (limit) =>
    missingRows(
      database,
      {
        table: sql`dead_letters`,
        condition: sql`resolved_at IS NULL`,
        columns: sql`id, tenant_id AS "tenantId", direction, topic, type, reason`,
        row: unresolvedRow,
      },
      limit,
    ),
};
