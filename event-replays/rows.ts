/** Replays as they are read: by id, and a tenant's by page. */
import type { Database, TransactionClient } from '../platform/database.ts';
import type { EventReplayView } from '../workflows/contract/event-replay.ts';
import { type ReplayAction, type ReplayStatus } from './replay.ts';
import { type ReplayRequest, beginsInWords, onlyInWords } from './request.ts';

export type ReplayRow = NonNullable<Awaited<ReturnType<Database['eventReplay']['findUnique']>>>;

export const replayById = (database: Database | TransactionClient, id: string): Promise<ReplayRow | null> =>
  database.eventReplay.findUnique({ where: { id } });

export const requestOf = ({ request }: ReplayRow): ReplayRequest => JSON.parse(request) as ReplayRequest;

/** Where a page ends: replays that are started later are newer, so they never move a page. */
export interface ReplayPosition {
  startedAt: string;
  id: string;
}

/** One page of a tenant's replays (null: those of all tenants), newest first, and the position after it. */
export async function listReplays(
  database: Database,
  tenantId: string | null,
  limit: number,
  after: ReplayPosition | null,
): Promise<{ replays: ReplayRow[]; next: ReplayPosition | null }> {
  const behind = after && {
    OR: [{ startedAt: { lt: after.startedAt } }, { startedAt: after.startedAt, id: { lt: after.id } }],
  };
  const rows = await database.eventReplay.findMany({
    where: { tenantId, ...behind },
    orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
  });
  const replays = rows.slice(0, limit);
  const last = replays.at(-1);
  const isMore = rows.length > limit && last;
  return { replays, next: isMore ? { startedAt: last.startedAt.toISOString(), id: last.id } : null };
}

const DECISIONS_SHOWN_MAX = 20;

/** What was decided about it, the oldest first; the last of them. */
export async function decisionsOf(database: Database, replayId: string): Promise<EventReplayView['decisions']> {
  const rows = await database.eventReplayDecision.findMany({
    where: { replayId },
    orderBy: { at: 'desc' },
    take: DECISIONS_SHOWN_MAX,
  });
  return rows.toReversed().map(({ at, action, actor, reason }) => ({
    at: at.toISOString(),
    action: action as ReplayAction,
    actor,
    reason,
  }));
}

/** A replay as its workflow's page shows it. */
export async function replayView(database: Database, row: ReplayRow): Promise<EventReplayView> {
  const request = requestOf(row);
  return {
    id: row.id,
    tenantId: row.tenantId,
    subscriber: row.subscriber,
    topic: row.topic,
    status: row.status as ReplayStatus,
    detail: row.detail,
    begins: beginsInWords(request),
    before: row.recordedBefore.toISOString(),
    only: onlyInWords(request),
    rate: row.rate,
    sent: Number(row.sent),
    expected: row.expected === null ? null : Number(row.expected),
    sentThrough: row.sentThrough?.toISOString() ?? null,
    startedBy: row.startedBy,
    startedAt: row.startedAt.toISOString(),
    reason: request.reason,
    decisions: await decisionsOf(database, row.id),
  };
}
