/**
 * Lets the relays send again what Kafka has lost: every event that Postgres still has, with the same id and bytes, in
 * the order of its stream. Whoever has seen them drops them as duplicates. No relay may be working meanwhile: what it
 * has under way would be marked past the events before it.
 */
import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';

export interface Republished {
  streams: number;
  events: number;
  /** Streams that wait for a person: they are left as they are. */
  blocked: number;
  /** Streams whose first events were deleted by retention: those cannot be sent again. */
  cut: number;
}

/** An invoice's stream has a handful of events; a transaction stays small. */
const STREAMS_AT_ONCE = 100;

const streamRow = z.object({ stream: z.string(), blocked: z.boolean(), cut: z.boolean() });
const countRow = z.object({ events: z.bigint() });

/** `topic`: of this one only; of all when absent. Broken off, it is begun again. */
export async function republish(database: Database, { topic }: { topic: string | undefined }): Promise<Republished> {
  const done: Republished = { streams: 0, events: 0, blocked: 0, cut: 0 };
  for (let after = ''; ;) {
    const streams = await queryRows(database, streamRow)`
      SELECT stream, blocked_by IS NOT NULL AS blocked, pruned_through > 0 AS cut FROM streams
      WHERE stream > ${after} AND (${topic ?? null}::text IS NULL OR split_part(stream, '|', 1) = ${topic ?? null})
      ORDER BY stream LIMIT ${STREAMS_AT_ONCE}`;
    const last = streams.at(-1);
    if (!last) return done;
    const open = streams.filter(({ blocked }) => !blocked).map(({ stream }) => stream);
    const [row] = await queryRows(database, countRow)`
      WITH again AS (
        UPDATE streams SET last_published = pruned_through WHERE stream = ANY(${open}::text[]) AND blocked_by IS NULL
        RETURNING stream),
      unsent AS (
        UPDATE outbox_events SET published_at = NULL FROM again
        WHERE outbox_events.stream = again.stream AND published_at IS NOT NULL RETURNING 1)
      SELECT count(*) AS events FROM unsent`;
    done.streams += open.length;
    done.blocked += streams.length - open.length;
    done.cut += streams.filter(({ blocked, cut }) => cut && !blocked).length;
    done.events += Number(row?.events ?? 0);
    after = last.stream;
  }
}

export const reportOf = ({ streams, events, blocked, cut }: Republished): string =>
  [
    `${events} events of ${streams} streams wait for the relays: start the service, and they are sent again.`,
    ...(cut > 0 ? [`The first events of ${cut} streams were deleted by retention, and are not sent again.`] : []),
    ...(blocked > 0
      ? [`${blocked} streams are blocked and left as they are: decide about their dead letters, and run it again.`]
      : []),
  ].join('\n');
