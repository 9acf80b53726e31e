import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';

const lastRow = z.object({ at: z.date().nullable() });

/** Clocks differ, and what was recorded last may not be the last that was sent. */
const EARLIER_MS = 10 * 60_000;
/** A version that was being filled has old events at the end. */
const LAST = 100_000;

/** From when on Kafka may have what the backup lacks (epoch ms): everything, when it has no event at all. */
export async function backupTime(database: Database): Promise<number> {
  const [row] = await queryRows(database, lastRow)`
    SELECT max(recorded_at) AS at
    FROM (SELECT recorded_at FROM outbox_events ORDER BY position DESC LIMIT ${LAST}) AS last`;
  return row?.at ? row.at.getTime() - EARLIER_MS : 0;
}
