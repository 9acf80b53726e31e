import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { parseRows } from '../platform/rows.ts';

const pendingEventRow = z.object({
  position: z.bigint(),
  id: z.string(),
  stream: z.string(),
  sequence: z.bigint(),
  lastPublished: z.bigint(),
  topic: z.string(),
  partitionKey: z.string(),
  headers: z.string(),
  value: z.string(),
});

/** An event that waits to be published, with how far its stream is. */
export type PendingEvent = z.infer<typeof pendingEventRow>;

/**
 * The oldest unpublished events of a shard behind the position `after`, without those of blocked streams, in the order of their commits.
 *
 * The index of pending events is read in its order, and no further than needed. Left to itself, Postgres does not know
 * how many rows are pending, and reads and sorts the whole backlog for every batch: 0.9 s at 50,000 events.
 */
export async function pendingEvents(
  database: Database,
  { shard, shards, limit, after }: { shard: number; shards: number; limit: number; after: bigint },
): Promise<PendingEvent[]> {
  const [, events] = await database.$transaction([
    database.$queryRaw`SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)`,
    database.$queryRaw`
      SELECT e.position, e.id, e.stream, e.sequence, s.last_published AS "lastPublished",
             e.topic, e.partition_key AS "partitionKey", e.headers, e.value
      FROM outbox_events e JOIN streams s USING (stream)
      WHERE e.published_at IS NULL AND e.position > ${after} AND s.blocked_by IS NULL AND e.slot % ${shards} = ${shard}
      ORDER BY e.position LIMIT ${limit}`,
  ]);
  return parseRows(pendingEventRow, events);
}
