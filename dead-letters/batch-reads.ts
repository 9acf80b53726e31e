import type { DeadLetterBatchProgress } from '../workflows/contract/dead-letter-batch.ts';
import type { Database } from '../platform/database.ts';

/** Which dead letters: at least one of them is given. */
export interface GroupFilter {
  reason?: string | undefined;
  topic?: string | undefined;
  type?: string | undefined;
}

export interface DeadLetterBatch extends DeadLetterBatchProgress {
  id: string;
  tenantId: string;
  action: string;
  filter: GroupFilter;
  operator: string;
  reason: string;
  startedAt: string;
  endedAt: string | null;
}

/** A batch, and how far it is. */
export async function batchById(database: Database, id: string): Promise<DeadLetterBatch | null> {
  const row = await database.deadLetterBatch.findUnique({ where: { id } });
  if (!row) return null;
  const { tenantId, action, operator, reason, startedAt, endedAt } = row;
  return {
    id,
    tenantId,
    action,
    filter: JSON.parse(row.filter) as GroupFilter,
    operator,
    reason,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    ...(await batchProgress(database, id)),
  };
}

const NOT_DONE_MAX = 1_000;

/** The dead letters of a batch that were not done, and why. */
export async function notDoneOf(database: Database, batchId: string) {
  const rows = await database.deadLetterBatchItem.findMany({
    where: { batchId, outcome: { in: ['refused', 'unknown'] } },
    orderBy: { deadLetterId: 'asc' },
    take: NOT_DONE_MAX,
  });
  return rows.map(({ deadLetterId, outcome, detail }) => ({
    deadLetterId,
    outcome: outcome as 'refused' | 'unknown',
    detail: detail ?? '',
  }));
}

export async function batchProgress(database: Database, batchId: string): Promise<DeadLetterBatchProgress> {
  const counts = await database.deadLetterBatchItem.groupBy({ by: ['outcome'], where: { batchId }, _count: true });
  const of = (wanted: string | null) => counts.find(({ outcome }) => outcome === wanted)?._count ?? 0;
  const [done, refused, unknown, left] = [of('done'), of('refused'), of('unknown'), of(null)];
  return { total: done + refused + unknown + left, done, refused, unknown, left };
}
