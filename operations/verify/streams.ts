/**
 * The outbox by itself: the sequences of a stream are pruned_through + 1 to last_sequence, published is exactly what
 * lies at or below last_published, what an event says of itself in its headers is what its row says, and nothing waits without a reason.
 */
import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { type Sql, sql } from '../../platform/sql.ts';
import { type Check, PAGE, type Tally, type World, ofTenants, pages, parsedObject } from './check.ts';

const outboxRow = z.object({
  stream: z.string(),
  sequence: z.bigint(),
  id: z.string(),
  tenant_id: z.string(),
  topic: z.string(),
  partition_key: z.string(),
  type: z.string(),
  headers: z.string(),
  published: z.boolean(),
  /** Of the stream; null when there is no such stream. */
  last_sequence: z.bigint().nullable(),
  last_published: z.bigint().nullable(),
  pruned_through: z.bigint().nullable(),
});
type OutboxRow = z.infer<typeof outboxRow>;

export const streams: Check = {
  name: 'streams',
  run: async (world, tally) => {
    const walk = createWalk(tally);
    const ours = ofTenants(world, sql`e.tenant_id`);
    for await (const rows of pages((after: OutboxRow | null) => readRows(world.database, ours, after))) {
      for (const row of rows) walk.next(row);
    }
    walk.end();
    await findEmptyStreams(world, tally);
    await findWaiting(world, tally);
    await findBlocked(world, tally);
  },
};

/** A healthy relay takes a fraction of a second. */
const PUBLISHED_WITHIN = sql`interval '5 minutes'`;

/** The same for the streams that are named. */
export async function checkStreams(database: Database, names: readonly string[], tally: Tally): Promise<void> {
  const walk = createWalk(tally);
  const named = sql`e.stream = ANY(${[...names]}::text[])`;
  for await (const rows of pages((after: OutboxRow | null) => readRows(database, named, after))) {
    for (const row of rows) walk.next(row);
  }
  walk.end();
}

/** The page is taken before the join, which would otherwise read all streams up to it. */
const readRows = (database: Database, which: Sql, after: OutboxRow | null): Promise<OutboxRow[]> =>
  queryRows(database, outboxRow)`
    WITH e AS MATERIALIZED (
      SELECT * FROM outbox_events e
      WHERE ${which} AND (stream, sequence) > (${after?.stream ?? ''}, ${after?.sequence ?? 0n}::bigint)
      ORDER BY stream, sequence LIMIT ${PAGE})
    SELECT e.stream, e.sequence, e.id, e.tenant_id, e.topic, e.partition_key, e.type, e.headers,
           e.published_at IS NOT NULL AS published, s.last_sequence, s.last_published,
           s.pruned_through
    FROM e LEFT JOIN streams s USING (stream)
    ORDER BY e.stream, e.sequence`;

/** Takes the rows of the outbox in the order of stream and sequence. */
function createWalk({ saw, found }: Tally) {
  let last: OutboxRow | undefined;

  function end(): void {
    if (!last) return;
    const { stream, sequence, last_sequence: lastSequence } = last;
    if (lastSequence !== null && lastSequence !== sequence)
      found(stream, `its last event is ${sequence}, but last_sequence is ${lastSequence}`);
    last = undefined;
  }

  function begin({
    stream,
    last_sequence: lastSequence,
    last_published: sent,
    pruned_through: pruned,
  }: OutboxRow): void {
    saw('streams');
    if (lastSequence === null) found(stream, 'has events, but no row in streams');
    if (pruned !== null && sent !== null && pruned > sent)
      found(stream, `its events up to ${pruned} were deleted, but only those up to ${sent} are published`);
  }

  return {
    end,
    next: (row: OutboxRow): void => {
      const isSame = row.stream === last?.stream;
      if (!isSame) end();
      if (!isSame) begin(row);
      const expected = isSame && last ? last.sequence + 1n : (row.pruned_through ?? 0n) + 1n;
      if (row.sequence !== expected) found(row.stream, `sequence ${expected} is missing; ${row.sequence} follows`);
      const { last_published: lastPublished } = row;
      if (lastPublished !== null && row.published !== row.sequence <= lastPublished)
        found(
          row.id,
          `is ${row.published ? '' : 'not '}marked published, last_published of ${row.stream} is ${lastPublished}`,
        );
      const wrong = contradictions(row);
      if (wrong.length > 0) found(row.id, `its headers contradict its row: ${wrong.join(', ')}`);
      saw('events');
      last = row;
    },
  };
}

function contradictions(row: OutboxRow): string[] {
  const headers = parsedObject(row.headers);
  if (!headers) return ['they are no JSON object'];
  const expected = {
    ce_id: row.id,
    ce_sequence: String(row.sequence),
    ce_partitionkey: row.partition_key,
    ce_type: row.type,
    ce_tenantid: row.tenant_id,
  };
  const wrong = Object.entries(expected).filter(([name, value]) => headers[name] !== value);
  const place = `${row.topic}|${row.partition_key}`;
  return [
    ...wrong.map(([name, value]) => `${name} is ${String(headers[name])}, not ${value}`),
    ...(place === row.stream ? [] : [`it goes to ${place}, its stream is ${row.stream}`]),
  ];
}

const streamsOf = ({ tenants }: World): Sql =>
  tenants ? sql`split_part(stream, '|', 2) = ANY(${[...tenants]}::text[])` : sql`TRUE`;

const emptyRow = z.object({ stream: z.string() });

/** Streams whose counter has moved although they have no event, and that were not pruned whole. */
async function findEmptyStreams(world: World, { found }: Tally): Promise<void> {
  const empty = pages(
    (after: { stream: string } | null) =>
      queryRows(world.database, emptyRow)`
      SELECT stream FROM streams
      WHERE stream > ${after?.stream ?? ''} AND last_sequence > pruned_through AND ${streamsOf(world)}
        AND NOT EXISTS (SELECT FROM outbox_events e WHERE e.stream = streams.stream)
      ORDER BY stream LIMIT ${PAGE}`,
  );
  for await (const rows of empty) for (const { stream } of rows) found(stream, 'has none of its events');
}

const waitingRow = z.object({ stream: z.string(), since: z.date() });

/** Events that no relay sends, although nothing holds their stream up. */
async function findWaiting(world: World, { found }: Tally): Promise<void> {
  const waiting = pages(
    (after: { stream: string } | null) =>
      queryRows(world.database, waitingRow)`
      SELECT stream, min(recorded_at) AS since FROM outbox_events JOIN streams USING (stream)
      WHERE published_at IS NULL AND blocked_by IS NULL AND recorded_at < now() - ${PUBLISHED_WITHIN}
        AND stream > ${after?.stream ?? ''} AND ${streamsOf(world)}
      GROUP BY stream ORDER BY stream LIMIT ${PAGE}`,
  );
  for await (const rows of waiting)
    for (const { stream, since } of rows)
      found(stream, `waits since ${since.toISOString()}, and nothing holds it up: is its relay working?`);
}

const blockedRow = z.object({ stream: z.string(), decidable: z.boolean() });

/** A stream waits for a person only with a dead letter that a person can decide; a hole is found by its sequence. */
async function findBlocked(world: World, { found, note }: Tally): Promise<void> {
  let blocked = 0;
  const waiting = pages(
    (after: { stream: string } | null) =>
      queryRows(world.database, blockedRow)`
      SELECT stream, EXISTS (SELECT FROM dead_letters d
        WHERE d.outbox_event_id = streams.blocked_by AND d.resolved_at IS NULL) AS decidable
      FROM streams WHERE blocked_by IS NOT NULL AND stream > ${after?.stream ?? ''} AND ${streamsOf(world)}
      ORDER BY stream LIMIT ${PAGE}`,
  );
  for await (const rows of waiting) {
    blocked += rows.length;
    for (const { stream } of rows.filter(({ decidable }) => !decidable))
      found(stream, 'is blocked, but no open dead letter says why');
  }
  if (blocked > 0) note(`${blocked} streams are blocked: a person must decide (see the dead letters)`);
}
