/**
 * An event that the broker refuses for good, alone.
 *
 * Always true: its stream is blocked and its dead letter is there, or neither. An event has one dead letter: refused
 * again, the dead letter says so, unless it has been decided.
 */
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { parseRows } from '../platform/rows.ts';
import type { PendingEvent } from './pending-events.ts';
import type { RefusedByBroker } from './event-sink.ts';
import type { Refused } from './event-source.ts';

/** What a dead letter says of it: the broker's code, and how large the event is. */
export function refusedBecause({ value }: Pick<PendingEvent, 'value'>, { message, cause }: RefusedByBroker): Refused {
  const said = cause instanceof Error ? cause.message : message;
  const detail = `The broker refuses it for good: ${said}. Its payload has ${Buffer.byteLength(value)} bytes.`;
  return { kind: 'refused', reason: message, detail };
}

const openedRow = z.object({ id: z.string() });

/**
 * Blocks the stream of a refused event and opens the event's dead letter; the dead letter's id, or null when the event
 * is not what its stream waits for any more, as when a relay that was held up comes late.
 */
export async function blockAndOpenDeadLetter(
  database: Database,
  { id, stream, sequence }: PendingEvent,
  { reason, detail }: Refused,
): Promise<string | null> {
  const [, opened] = await database.$transaction([
    // Dead letters are locked before streams, everywhere.
    database.$queryRaw`SELECT id FROM dead_letters WHERE outbox_event_id = ${id}::uuid FOR UPDATE`,
    database.$queryRaw`
      WITH refused AS (
        SELECT * FROM outbox_events WHERE id = ${id}::uuid AND published_at IS NULL),
      blocked AS (
        UPDATE streams SET blocked_by = refused.id, blocked_reason = ${reason} FROM refused
        WHERE streams.stream = ${stream} AND streams.blocked_by IS NULL AND streams.last_published = ${sequence}::bigint - 1
        RETURNING refused.*)
      INSERT INTO dead_letters
        (id, direction, outbox_event_id, event_id, tenant_id, topic, type, reason, detail, headers, key, value, opened_at)
      SELECT ${uuidv7()}::uuid, 'outbound', id, id::text, tenant_id, topic, type, ${reason}, ${detail}, headers,
        convert_to(partition_key, 'UTF8'), convert_to(value, 'UTF8'), clock_timestamp()
      FROM blocked
      ON CONFLICT (outbox_event_id) DO UPDATE
        SET attempts = dead_letters.attempts + 1, reason = excluded.reason, detail = excluded.detail
        WHERE dead_letters.resolved_at IS NULL
      RETURNING id`,
  ]);
  return parseRows(openedRow, opened)[0]?.id ?? null;
}
