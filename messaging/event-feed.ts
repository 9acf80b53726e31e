/**
 * The outbox in an order in which it can be followed: who goes on from where a page ended misses nothing.
 *
 * Always true:
 * 1. The order is that of `transaction_id`, then `position`. A position alone is taken before the commit, and one that
 *    is lower than what was read may be committed later.
 * 2. A page ends before the oldest transaction that is still writing: what comes to the table from then on has that
 *    transaction's id or a higher one. It is so for every transaction of the Postgres server, whatever its database.
 * 3. The events of a stream are in the order of their sequences (commands/outbox.ts). Of one stream alone everything
 *    that is committed is shown: its next event waits for the lock of the last one.
 * 4. A page looks through rows for a bounded time: it may be short, or empty, before the end, and its place goes on.
 * 5. Places count in their epoch alone.
 */
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { type Sql, sql, sqlAnd } from '../platform/sql.ts';

/** Where a page ends: its last event, or the last one that was looked at. */
export interface Place {
  transactionId: bigint;
  position: bigint;
}

/** Before everything. */
export const FEED_START: Place = { transactionId: 0n, position: 0n };

export interface FeedFilter {
  /** null: of all tenants. */
  tenantId: string | null;
  /** Of these streams alone; none when it is empty. */
  streams?: readonly string[] | undefined;
  topic?: string | undefined;
  types?: readonly string[] | undefined;
  /** RFC 3339, the instant included. */
  from?: string | undefined;
  /** RFC 3339, the instant not included. */
  before?: string | undefined;
  /** Of one stream: higher sequences than this. */
  afterSequence?: number | undefined;
}

const feedEventRow = z.object({
  transactionId: z.bigint(),
  position: z.bigint(),
  id: z.string(),
  type: z.string(),
  topic: z.string(),
  partitionKey: z.string(),
  sequence: z.bigint(),
  headers: z.string(),
  value: z.string(),
  recordedAt: z.date(),
});

/** An event as it is stored; `headers` is the JSON text of a string-to-string object. */
export type FeedEvent = z.infer<typeof feedEventRow>;

export interface FeedPage {
  events: FeedEvent[];
  next: Place;
  /** Nothing lies behind it now. */
  isEnd: boolean;
}

/** Rows that one statement looks through: some milliseconds, well within a statement's limit. */
const PIECE = 5_000;
/** Of headers and values: one event has 900,000 at most. */
const PAGE_BYTES_MAX = 8_000_000;

/**
 * The next `limit` events behind a place, or fewer: when `limitMs` are over, or when together they would be larger than
 * `bytesMax`.
 */
export async function readFeed(
  database: Database,
  filter: FeedFilter,
  after: Place,
  { limit, limitMs, bytesMax = PAGE_BYTES_MAX }: { limit: number; limitMs: number; bytesMax?: number },
): Promise<FeedPage> {
  if (filter.streams) return pageOfStreams(database, filter, after, { count: limit, bytes: bytesMax });
  const until = performance.now() + limitMs;
  const events: FeedEvent[] = [];
  let [from, bytes] = [after, 0];
  for (;;) {
    const piece = await endOfPiece(database, filter, from);
    if (!piece) return { events, next: from, isEnd: true };
    const part = [behind(from), sql`(transaction_id, position) <= (${piece.transactionId}, ${piece.position})`];
    const room = { count: limit - events.length, bytes: bytesMax - bytes };
    const found = await read(database, sqlAnd([ofTenant(filter), ...part]), filter, room, IN_ORDER);
    events.push(...found.events);
    bytes += found.bytes;
    const last = events.at(-1);
    if (found.isCut && last) return { events, next: placeOf(last), isEnd: false };
    from = placeOf(piece);
    const isEnd = piece.rows < PIECE;
    const isFull = events.length >= limit || bytes >= bytesMax;
    if (isEnd || isFull || performance.now() >= until) return { events, next: from, isEnd };
  }
}

const placeOf = ({ transactionId, position }: Place): Place => ({ transactionId, position });
const behind = ({ transactionId, position }: Place): Sql =>
  sql`(transaction_id, position) > (${transactionId}, ${position})`;
const ofTenant = ({ tenantId }: Pick<FeedFilter, 'tenantId'>): Sql =>
  tenantId === null ? sql`TRUE` : sql`tenant_id = ${tenantId}::uuid`;

/** Everything before it is over: committed, and to be seen, or rolled back. */
const IS_OVER = sql`transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint`;
const IN_ORDER = sql`transaction_id, position`;

const pieceRow = z.object({ transactionId: z.bigint(), position: z.bigint(), rows: z.bigint() });

/** The last of the next rows, whatever the filter, and how many they are; undefined when there are none. */
async function endOfPiece(database: Database, filter: FeedFilter, after: Place) {
  const [end] = await queryRows(database, pieceRow)`
    SELECT transaction_id AS "transactionId", position, rows FROM (
      SELECT transaction_id, position, row_number() OVER (ORDER BY ${IN_ORDER}) AS rows FROM (
        SELECT transaction_id, position FROM outbox_events
        WHERE ${sqlAnd([ofTenant(filter), behind(after), IS_OVER])}
        ORDER BY ${IN_ORDER} LIMIT ${PIECE}) AS piece) AS numbered
    ORDER BY rows DESC LIMIT 1`;
  return end;
}

/** The streams of an entity have as many events as its life has: they are looked through at once. */
async function pageOfStreams(database: Database, filter: FeedFilter, after: Place, room: Room): Promise<FeedPage> {
  const { streams = [], afterSequence } = filter;
  const isOne = streams.length === 1;
  const where = [
    sql`stream = ANY(${[...streams]}::text[])`,
    behind(after),
    ...(isOne ? [] : [IS_OVER]),
    ...(afterSequence === undefined ? [] : [sql`sequence > ${afterSequence}::bigint`]),
  ];
  const { events, isCut } = await read(database, sqlAnd(where), filter, room, isOne ? sql`sequence` : IN_ORDER);
  const last = events.at(-1);
  return { events, next: last ? placeOf(last) : after, isEnd: !isCut };
}

interface Room {
  count: number;
  bytes: number;
}

const wanted = ({ topic, types, from, before }: FeedFilter): Sql[] => [
  ...(topic === undefined ? [] : [sql`topic = ${topic}`]),
  ...(types === undefined ? [] : [sql`type = ANY(${[...types]}::text[])`]),
  ...(from === undefined ? [] : [sql`recorded_at >= ${from}::timestamptz`]),
  ...(before === undefined ? [] : [sql`recorded_at < ${before}::timestamptz`]),
];

const foundRow = feedEventRow.extend({ bytes: z.bigint(), seen: z.bigint() });

/**
 * Of the rows `where`, which are few, those that the filter names, in this order. One has room always. `isCut`: others
 * had none.
 */
async function read(
  database: Database,
  where: Sql,
  filter: FeedFilter,
  room: Room,
  order: Sql,
): Promise<{ events: FeedEvent[]; bytes: number; isCut: boolean }> {
  const rows = await queryRows(database, foundRow)`
    WITH seen AS MATERIALIZED (
      SELECT transaction_id, position, sequence FROM outbox_events WHERE ${sqlAnd([where, ...wanted(filter)])}),
    page AS (SELECT position FROM seen ORDER BY ${order} LIMIT ${room.count}),
    sized AS (
      SELECT event.*, row_number() OVER (ORDER BY ${order}) AS place,
        sum(octet_length(headers) + octet_length(value)) OVER (ORDER BY ${order}) AS bytes
      FROM outbox_events event WHERE position = ANY(ARRAY(SELECT position FROM page)))
    SELECT transaction_id AS "transactionId", position, id, type, topic, partition_key AS "partitionKey", sequence,
      headers, value, recorded_at AS "recordedAt", bytes, (SELECT count(*) FROM seen) AS seen
    FROM sized WHERE place = 1 OR bytes <= ${room.bytes} ORDER BY ${order}`;
  const bytes = Number(rows.at(-1)?.bytes ?? 0n);
  return { events: rows, bytes, isCut: rows.length < Number(rows[0]?.seen ?? 0n) };
}

const countRow = z.object({ count: z.bigint() });

/** How many events lie behind a place; null when that cannot be said within `limitMs`. */
export async function countFeed(
  database: Database,
  filter: FeedFilter,
  after: Place,
  limitMs: number,
): Promise<number | null> {
  const until = performance.now() + limitMs;
  const { streams } = filter;
  let [from, count] = [after, 0];
  for (;;) {
    const piece = streams ? undefined : await endOfPiece(database, filter, from);
    if (!streams && !piece) return count;
    const place = piece
      ? sql`(transaction_id, position) <= (${piece.transactionId}, ${piece.position})`
      : sql`stream = ANY(${[...(streams ?? [])]}::text[])`;
    const [row] = await queryRows(database, countRow)`
      SELECT count(*) FROM outbox_events
      WHERE ${sqlAnd([ofTenant(filter), behind(from), place, ...wanted(filter)])}`;
    count += Number(row?.count ?? 0n);
    if (!piece || piece.rows < PIECE) return count;
    if (performance.now() >= until) return null;
    from = placeOf(piece);
  }
}

const overRow = z.object({ over: z.boolean() });

/** Every transaction before this one has ended: nothing of theirs is still to come. */
export async function isOverBefore(database: Database, transactionId: bigint): Promise<boolean> {
  const [row] = await queryRows(database, overRow)`
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= ${transactionId} AS over`;
  return row?.over ?? false;
}

const stateRow = z.object({
  epoch: z.string(),
  prunedTransactionId: z.bigint().nullable(),
  prunedPosition: z.bigint().nullable(),
  prunedBefore: z.date().nullable(),
});

export interface FeedState {
  epoch: string;
  /** Retention has deleted events up to this place, all recorded before this instant; null: none of them. */
  pruned: { place: Place; before: Date } | null;
}

/** To be asked after the page was read: what was deleted meanwhile counts too. */
export async function feedState(database: Database, tenantId: string | null): Promise<FeedState> {
  const [row] = await queryRows(database, stateRow)`
    SELECT epoch, pruned.* FROM event_feed, LATERAL (
      SELECT max(transaction_id) AS "prunedTransactionId", max(position) AS "prunedPosition",
        date_trunc('milliseconds', max(recorded_at)) + interval '1 millisecond' AS "prunedBefore"
      FROM pruned_events WHERE ${ofTenant({ tenantId })}) AS pruned`;
  if (!row) throw new TypeError('The epoch of the outbox is not there.');
  const { epoch, prunedTransactionId: transactionId, prunedPosition: position, prunedBefore: before } = row;
  const isPruned = transactionId !== null && position !== null && before !== null;
  return { epoch, pruned: isPruned ? { place: { transactionId, position }, before } : null };
}

/**
 * The instant before which events may be missing that a reader wants from this place, or this instant, on; null when
 * none of them was deleted.
 */
export function missingBefore({ pruned }: FeedState, after: Place, from: string | undefined): Date | null {
  if (!pruned || !isBefore(after, pruned.place)) return null;
  return from === undefined || Date.parse(from) < pruned.before.getTime() ? pruned.before : null;
}

const isBefore = (one: Place, other: Place): boolean =>
  one.transactionId < other.transactionId ||
  (one.transactionId === other.transactionId && one.position < other.position);

/** Up to which sequence retention has deleted the events of a stream; 0: none. To be asked after the page was read. */
export async function prunedThrough(database: Database, stream: string): Promise<number> {
  const row = await database.stream.findUnique({ where: { stream }, select: { prunedThrough: true } });
  return Number(row?.prunedThrough ?? 0n);
}
