/**
 * The outbox of a restored database, for those who follow it (messaging/event-feed.ts).
 *
 * Always true:
 * 1. A place that was given before does not count any more: its transaction's number is given again.
 * 2. No event has a transaction id that is still to come. In a database that counts from the beginning, as after
 *    pg_restore, all get 0, the lowest first: also while that goes on the order of each stream holds.
 */
import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';

/** Rows in one transaction. */
const PIECE = 10_000;

const aheadRow = z.object({ ahead: z.boolean() });
const streamRow = z.object({ stream: z.string() });

export async function beginEpoch(database: Database): Promise<void> {
  const [row] = await queryRows(database, aheadRow)`
    WITH present AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS id)
    SELECT EXISTS (SELECT FROM outbox_events, present WHERE transaction_id >= present.id)
      OR EXISTS (SELECT FROM streams, present WHERE last_transaction_id >= present.id) AS ahead`;
  if (row?.ahead) await forgetTransactions(database);
  await database.$executeRaw`UPDATE event_feed SET epoch = gen_random_uuid()`;
}

async function forgetTransactions(database: Database): Promise<void> {
  while (
    (await database.$executeRaw`
      UPDATE outbox_events SET transaction_id = 0 WHERE position = ANY(ARRAY(
        SELECT position FROM outbox_events WHERE transaction_id > 0 ORDER BY transaction_id, position LIMIT ${PIECE}))`) >
    0
  );
  await database.$executeRaw`UPDATE pruned_events SET transaction_id = 0`;
  for (let after: string | undefined = ''; after !== undefined;) {
    const page: { stream: string }[] = await queryRows(database, streamRow)`
      WITH page AS (SELECT stream FROM streams WHERE stream > ${after} ORDER BY stream LIMIT ${PIECE}),
      forgotten AS (
        UPDATE streams SET last_transaction_id = 0 FROM page
        WHERE streams.stream = page.stream AND last_transaction_id > 0)
      SELECT stream FROM page ORDER BY stream`;
    after = page.at(-1)?.stream;
  }
}
