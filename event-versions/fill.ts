/**
 * Fills the topic of a version that was opened when there were events already: from the outbox, stream by stream, so
 * that its sequences are those of the version before.
 *
 * Always true:
 * 1. A stream is filled under its lock, from where its own version stands to where the version before stands. Then it
 *    is level, and every command writes both (commands/outbox.ts).
 * 2. Filled again, nothing is told twice.
 * 3. What was withheld stays withheld. What retention had deleted before is deleted in the new topic too.
 */
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { THIS_TRANSACTION } from '../commands/outbox.ts';
import { type WireSettings, eventType, laterHeaders } from '../messaging/cloud-event.ts';
import { eventWithheld } from '../messaging/event-withheld.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import type { TopicVersion } from './lines.ts';

/** Streams that are looked at, locked at once, and events that are written at once. */
const LOOKED_MAX = 5_000;
const STREAMS_MAX = 50;
const EVENTS_MAX = 1_000;

const nameRow = z.object({ stream: z.string(), lacks: z.boolean() });

const levelRow = z.object({
  /** What follows the topic: |key */
  key: z.string(),
  level: z.bigint(),
  /** Whether its own stream has told anything yet. */
  begun: z.boolean(),
  pruned: z.bigint(),
});
type Level = z.infer<typeof levelRow>;

const eventRow = z.object({
  tenant_id: z.string(),
  stream: z.string(),
  sequence: z.bigint(),
  slot: z.int(),
  partition_key: z.string(),
  type: z.string(),
  headers: z.string(),
  value: z.string(),
  recorded_at: z.date(),
});
type EventRow = z.infer<typeof eventRow>;

export interface Filled {
  /** Streams that were not level. */
  streams: number;
  events: number;
  /** Streams that lack what retention has deleted: they cannot be filled. */
  lost: readonly string[];
  /** Where to go on; null when every stream was looked at. */
  after: string | null;
}

/** Before every stream. */
export const FROM_THE_FIRST = '';

/** Looks at the next streams behind `after`, and fills those that lack something. Of a version that has one before it. */
export async function fillStreams(
  database: Database,
  version: TopicVersion,
  wire: WireSettings,
  after: string,
): Promise<Filled> {
  const { topic, before } = version;
  if (before === null) throw new TypeError(`There is no version before ${topic}.`);
  // Of whatever topic: how names of different topics are sorted is the database's affair.
  const looked = await queryRows(database, nameRow)`
    WITH page AS MATERIALIZED (
      SELECT stream, last_sequence FROM streams WHERE stream > ${after} ORDER BY stream LIMIT ${LOOKED_MAX})
    SELECT page.stream,
      starts_with(page.stream, ${`${before}|`}) AND page.last_sequence > coalesce(own.last_sequence, 0) AS lacks
    FROM page LEFT JOIN streams own ON own.stream = ${topic} || substr(page.stream, ${before.length + 1})
      AND starts_with(page.stream, ${`${before}|`})
    ORDER BY page.stream`;
  const lacking = looked.filter(({ lacks }) => lacks).map(({ stream }) => stream);
  const names = lacking.slice(0, STREAMS_MAX);
  const end = looked.length < LOOKED_MAX ? null : (looked.at(-1)?.stream ?? null);
  if (names.length === 0) return { streams: 0, events: 0, lost: [], after: end };
  const { events, lost, isCut } = await database.$transaction((tx) => fillIn(tx, version, before, names, wire));
  // Where the events had no room, the same streams are looked at again.
  const next = isCut ? after : lacking.length > names.length ? (names.at(-1) ?? null) : end;
  return { streams: names.length - lost.length, events, lost, after: next };
}

/**
 * Fills all streams, for so long at most; whether the version has everything now. For a decision that needs it: what
 * was level stays so, since commands write both.
 */
export async function fillWhole(
  database: Database,
  version: TopicVersion,
  wire: WireSettings,
  limitMs: number,
): Promise<boolean> {
  const until = performance.now() + limitMs;
  for (let after = FROM_THE_FIRST; ;) {
    const page = await fillStreams(database, version, wire, after);
    if (page.lost.length > 0) return false;
    if (page.after === null) return true;
    if (performance.now() >= until) return false;
    after = page.after;
  }
}

async function fillIn(
  tx: TransactionClient,
  version: TopicVersion,
  before: string,
  names: readonly string[],
  wire: WireSettings,
): Promise<{ events: number; lost: string[]; isCut: boolean }> {
  const known = await lockLevels(tx, version.topic, before, names);
  const isLost = ({ begun, level, pruned }: Level) => begun && level < pruned;
  const levels = known.filter((one) => !isLost(one));
  const told = await queryRows(tx, eventRow)`
    SELECT e.tenant_id, e.stream, e.sequence, e.slot, e.partition_key, e.type, e.headers, e.value, e.recorded_at
    FROM outbox_events e
    JOIN unnest(${levels.map(({ key }) => before + key)}::text[], ${levels.map(({ level }) => level)}::bigint[])
      AS wanted(stream, level) ON e.stream = wanted.stream AND e.sequence >= wanted.level
    ORDER BY e.stream, e.sequence LIMIT ${EVENTS_MAX}`;
  const byKey = new Map(levels.map((level) => [level.key, level]));
  const rows = laterRows(version, byKey, told, before.length, wire);
  await tx.$executeRaw`
    INSERT INTO outbox_events (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value,
      recorded_at, transaction_id)
    SELECT id, tenant_id, row.stream, sequence, slot, ${version.topic}, partition_key, type, headers, value, recorded_at,
      greatest(own.last_transaction_id, ${THIS_TRANSACTION})
    FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS (id uuid, tenant_id uuid, stream text,
      sequence bigint, slot int, partition_key text, type text, headers text, value text, recorded_at timestamptz))
      WITH ORDINALITY AS row (id, tenant_id, stream, sequence, slot, partition_key, type, headers, value, recorded_at,
        place)
    LEFT JOIN streams own ON own.stream = row.stream
    ORDER BY place`;
  const filledTo = new Map(rows.map((row) => [row.stream, row.sequence]));
  const ends = levels.flatMap(({ key, begun, pruned }) => {
    const stream = version.topic + key;
    const end = filledTo.get(stream) ?? (begun || pruned === 0n ? undefined : String(pruned));
    return end === undefined ? [] : [{ stream, end, pruned: begun ? '0' : String(pruned) }];
  });
  await tx.$executeRaw`
    INSERT INTO streams (stream, last_sequence, last_published, pruned_through, last_transaction_id)
    SELECT stream, "end", pruned, pruned, ${THIS_TRANSACTION}
    FROM jsonb_to_recordset(${JSON.stringify(ends)}::jsonb) AS given(stream text, "end" bigint, pruned bigint)
    ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_sequence = excluded.last_sequence,
      last_published = greatest(streams.last_published, excluded.last_published),
      pruned_through = greatest(streams.pruned_through, excluded.pruned_through),
      last_transaction_id = greatest(streams.last_transaction_id, excluded.last_transaction_id)`;
  const lost = known.filter(isLost).map(({ key }) => version.topic + key);
  return { events: rows.length, lost, isCut: told.length === EVENTS_MAX };
}

/** Where the streams stand, locked: those of the version before first. */
async function lockLevels(
  tx: TransactionClient,
  topic: string,
  before: string,
  names: readonly string[],
): Promise<Level[]> {
  const own = names.map((name) => topic + name.slice(before.length));
  await tx.$queryRaw`SELECT FROM streams WHERE stream = ANY(${[...names]}::text[]) ORDER BY stream FOR UPDATE`;
  await tx.$queryRaw`SELECT FROM streams WHERE stream = ANY(${own}::text[]) ORDER BY stream FOR UPDATE`;
  return queryRows(tx, levelRow)`
    SELECT substr(old.stream, ${before.length + 1}) AS key, coalesce(own.last_sequence, 0) > 0 AS begun,
      CASE WHEN coalesce(own.last_sequence, 0) > 0 THEN own.last_sequence ELSE old.pruned_through END AS level,
      old.pruned_through AS pruned
    FROM streams old LEFT JOIN streams own ON own.stream = ${topic} || substr(old.stream, ${before.length + 1})
    WHERE old.stream = ANY(${[...names]}::text[])`;
}

const WITHHELD = eventType(eventWithheld);

/** The rows of the version, of those of the version before; the first of a stream may be what came before them. */
function laterRows(
  { topic, upgrades }: TopicVersion,
  levels: ReadonlyMap<string, Level>,
  told: readonly EventRow[],
  cut: number,
  wire: WireSettings,
) {
  const before = new Map<string, unknown>();
  return told.flatMap(({ recorded_at, ...event }) => {
    const { stream, sequence, type, headers, value } = event;
    const key = stream.slice(cut);
    const data: unknown = JSON.parse(value);
    const previous = before.get(key) ?? null;
    if (type === WITHHELD) before.delete(key);
    else before.set(key, data);
    if (sequence <= (levels.get(key)?.level ?? 0n)) return [];
    const upgrade = upgrades.get(type);
    if (!upgrade && type !== WITHHELD) throw new TypeError(`${topic} has no version of ${type}.`);
    const id = uuidv7();
    return [
      {
        ...event,
        id,
        stream: topic + key,
        sequence: String(sequence),
        type: upgrade ? eventType(upgrade.definition) : type,
        headers: JSON.stringify(
          laterHeaders(JSON.parse(headers) as Record<string, string>, upgrade?.definition, id, wire),
        ),
        value: upgrade ? JSON.stringify(upgrade.later(data, previous)) : value,
        recorded_at: recorded_at.toISOString(),
      },
    ];
  });
}

const nextRow = z.object({ next: z.bigint() });

/** The number that the next transaction gets. */
export async function nextTransaction(database: Database): Promise<bigint> {
  const [row] = await queryRows(database, nextRow)`
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next`;
  if (!row) throw new TypeError('Postgres did not tell which transaction is the next.');
  return row.next;
}
