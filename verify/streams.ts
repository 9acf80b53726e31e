/**
 * The outbox by itself: the sequences of a stream are 1..last_sequence, published is exactly what lies at or below
 * last_published, and what an event says of itself in its headers is what its row says.
 */
import type { Database } from '../platform/database.ts';
import { type Sql, sql } from '../queries/sql.ts';
import { type Check, PAGE, type Tally, type World, ofTenants, pages, parsedObject } from './check.ts';

interface OutboxRow {
  stream: string;
  sequence: bigint;
  id: string;
  tenant_id: string;
  topic: string;
  partition_key: string;
  type: string;
  headers: string;
  published: boolean;
  /** Of the stream; null when there is no such stream. */
  last_sequence: bigint | null;
  last_published: bigint | null;
}

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
  },
};

/** The same for the streams that are named. */
export async function checkStreams(database: Database, names: readonly string[], tally: Tally): Promise<void> {
  const walk = createWalk(tally);
  const named = sql`e.stream = ANY(${[...names]}::text[])`;
  for await (const rows of pages((after: OutboxRow | null) => readRows(database, named, after))) {
    for (const row of rows) walk.next(row);
  }
  walk.end();
}

const readRows = (database: Database, which: Sql, after: OutboxRow | null): Promise<OutboxRow[]> =>
  database.$queryRaw<OutboxRow[]>`
    SELECT e.stream, e.sequence, e.id, e.tenant_id, e.topic, e.partition_key, e.type, e.headers,
           e.published_at IS NOT NULL AS published, s.last_sequence, s.last_published
    FROM outbox_events e LEFT JOIN streams s USING (stream)
    WHERE ${which} AND (e.stream, e.sequence) > (${after?.stream ?? ''}, ${after?.sequence ?? 0n}::bigint)
    ORDER BY e.stream, e.sequence LIMIT ${PAGE}`;

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

  function begin({ stream, last_sequence: lastSequence }: OutboxRow): void {
    saw('streams');
    if (lastSequence === null) found(stream, 'has events, but no row in streams');
  }

  return {
    end,
    next: (row: OutboxRow): void => {
      const isSame = row.stream === last?.stream;
      if (!isSame) end();
      if (!isSame) begin(row);
      const expected = isSame && last ? last.sequence + 1n : 1n;
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

/** Streams whose counter has moved although they have no event, and those that a person must let go on. */
async function findEmptyStreams(world: World, { found, note }: Tally): Promise<void> {
  const tenant = world.tenants ? sql`split_part(stream, '|', 2) = ANY(${[...world.tenants]}::text[])` : sql`TRUE`;
  const empty = pages(
    (after: { stream: string } | null) =>
      world.database.$queryRaw<{ stream: string }[]>`
      SELECT stream FROM streams
      WHERE stream > ${after?.stream ?? ''} AND last_sequence > 0 AND ${tenant}
        AND NOT EXISTS (SELECT FROM outbox_events e WHERE e.stream = streams.stream)
      ORDER BY stream LIMIT ${PAGE}`,
  );
  for await (const rows of empty) for (const { stream } of rows) found(stream, 'has none of its events');
  const [row] = await world.database.$queryRaw<{ blocked: bigint }[]>`
    SELECT count(*) AS blocked FROM streams WHERE blocked_by IS NOT NULL AND ${tenant}`;
  if (row && row.blocked > 0n) note(`${row.blocked} streams are blocked: a person must decide (see the dead letters)`);
}
