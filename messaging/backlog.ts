import { z } from 'zod';
import type { Backlog } from '../workflows/contract/outbox-relay.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

/** Counting must not become slow while Kafka is away for long: of more events than these nobody needs the number. */
const BACKLOG_COUNTED_MAX = 200_000;

const backlogRow = z.object({ events: z.bigint(), oldest: z.number().nullable(), blocked: z.bigint() });

/**
 * How many events wait to be published (at most BACKLOG_COUNTED_MAX are counted), how long the oldest has waited, how
 * many streams are blocked. Oldest is the first in the order of commits.
 */
export async function outboxBacklog(database: Database): Promise<Backlog> {
  const [row] = await queryRows(database, backlogRow)`
    SELECT
      (SELECT count(*) FROM (
        SELECT FROM outbox_events WHERE published_at IS NULL LIMIT ${BACKLOG_COUNTED_MAX}) AS pending) AS events,
      (SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 FROM outbox_events
       WHERE published_at IS NULL ORDER BY position LIMIT 1) AS oldest,
      (SELECT count(*) FROM streams WHERE blocked_by IS NOT NULL) AS blocked`;
  return {
    events: Number(row?.events ?? 0),
    oldestSeconds: Math.round((row?.oldest ?? 0) * 1000) / 1000,
    blockedStreams: Number(row?.blocked ?? 0),
  };
}
