/**
 * Deletes published events that have been kept for long enough.
 *
 * Always true:
 * 1. Of each stream the first ones go, without a gap, and `pruned_through` says up to which: what is left is
 *    `pruned_through + 1` to `last_sequence`.
 * 2. What waits for Kafka is kept, and all of a stream that is blocked.
 * 3. `pruned_events` says of each tenant up to where, so that nobody who reads the outbox passes over a hole unknowing.
 * 4. A transaction deletes few rows. It waits for no stream that a command or a relay has locked: that one's turn comes
 *    with the next look.
 */
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

/** Rows that are looked at, and deleted at most, in one transaction. */
const PAGE = 250;

const pieceRow = z.object({ last: z.bigint().nullable(), more: z.boolean(), pruned: z.bigint() });

/**
 * Looks at one page of the outbox behind the position `after`, and deletes what was published before the instant.
 * Resolves with how many were deleted, and where to go on; null when what follows was recorded later.
 */
export async function pruneEvents(
  database: Database,
  { before, after }: { before: Date; after: bigint },
): Promise<{ pruned: number; after: bigint | null }> {
  const [piece] = await queryRows(database, pieceRow)`
    WITH page AS MATERIALIZED (
      SELECT position, stream, sequence, recorded_at, published_at FROM outbox_events
      WHERE position > ${after} ORDER BY position LIMIT ${PAGE}),
    old AS MATERIALIZED (SELECT position, stream, sequence FROM page WHERE published_at < ${before}),
    free AS MATERIALIZED (
      SELECT stream, pruned_through FROM streams
      WHERE stream = ANY(ARRAY(SELECT DISTINCT stream FROM old)) AND blocked_by IS NULL
      ORDER BY stream FOR UPDATE SKIP LOCKED),
    first AS (
      SELECT position, sequence = pruned_through + row_number() OVER (PARTITION BY stream ORDER BY sequence) AS is_next
      FROM old JOIN free USING (stream)),
    pruned AS (
      DELETE FROM outbox_events WHERE position = ANY(ARRAY(SELECT position FROM first WHERE is_next))
      RETURNING stream, sequence, tenant_id, transaction_id, position, recorded_at),
    noted AS (
      INSERT INTO pruned_events (tenant_id, transaction_id, position, recorded_at)
      SELECT tenant_id, max(transaction_id), max(position), max(recorded_at) FROM pruned
      GROUP BY tenant_id ORDER BY tenant_id
      ON CONFLICT (tenant_id) DO UPDATE SET
        transaction_id = greatest(pruned_events.transaction_id, excluded.transaction_id),
        position = greatest(pruned_events.position, excluded.position),
        recorded_at = greatest(pruned_events.recorded_at, excluded.recorded_at)),
    marked AS (
      UPDATE streams SET pruned_through = upto.sequence
      FROM (SELECT stream, max(sequence) AS sequence FROM pruned GROUP BY stream) AS upto
      WHERE streams.stream = upto.stream)
    SELECT (SELECT max(position) FROM page) AS last, (SELECT count(*) FROM pruned) AS pruned,
      EXISTS (SELECT FROM page WHERE position = (SELECT max(position) FROM page) AND recorded_at < ${before}) AS more`;
  if (!piece) throw new TypeError('Pruning returned no row.');
  const { last, more, pruned } = piece;
  return { pruned: Number(pruned), after: more ? last : null };
}
