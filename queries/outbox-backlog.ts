import type { Database } from '../platform/database.ts';
import type { Backlog } from '../workflows/contract.ts';

/** How many events wait to be published, how long the oldest has waited, how many streams are blocked. */
export async function outboxBacklog(database: Database): Promise<Backlog> {
  const [row] = await database.$queryRaw<{ events: bigint; oldest: number | null; blocked: bigint }[]>`
    SELECT count(*) AS events, extract(epoch FROM clock_timestamp() - min(recorded_at))::float8 AS oldest,
           (SELECT count(*) FROM streams WHERE blocked_by IS NOT NULL) AS blocked
    FROM outbox_events WHERE published_at IS NULL`;
  return {
    events: Number(row?.events ?? 0),
    oldestSeconds: Math.round((row?.oldest ?? 0) * 1000) / 1000,
    blockedStreams: Number(row?.blocked ?? 0),
  };
}
