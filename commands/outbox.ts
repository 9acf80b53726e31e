/**
 * Events on their way out: written in the transaction of the command that they tell of.
 *
 * Always true:
 * 1. A stream's sequences are 1..n without a gap: they are taken with an upsert in the statement that writes the
 *    events, whose row lock makes commit order and sequence order the same.
 * 2. Whoever locks several streams locks them in the order of their names; those of later versions after all others.
 * 3. The streams of an event's versions have the same sequences.
 * 4. The transaction ids of a stream's events never become lower: a transaction that began first may get the stream
 *    last, and readers go by this id (messaging/event-feed.ts).
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Sql, sql } from '../platform/sql.ts';
import type { EventIds, VersionedEvent } from '../messaging/event.ts';
import { type RecordContext, type WireSettings, toRecord } from '../messaging/cloud-event.ts';

/** Relays share the streams by slot; a fixed number, so that their count can change without touching a row. */
export const SLOTS = 1024;

export const slotOf = (partitionKey: string): number =>
  createHash('sha256').update(partitionKey).digest().readUInt32BE(0) % SLOTS;

/** A row of `outbox_events`, by the names of its columns, but for the sequence that it gets while it is written. */
export interface OutboxRow {
  id: string;
  tenant_id: string;
  stream: string;
  /** The stream of the event's first version. */
  line: string;
  /** 1 is the first version of the event that there is, 2 the next one. */
  version: number;
  slot: number;
  topic: string;
  partition_key: string;
  type: string;
  headers: string;
  value: string;
}

/**
 * The rows of the outbox for one event, one a version, the first version first. `data` is the newest version's. The
 * headers have an empty sequence. Which of them are written is decided when they are.
 */
export function outboxRows(
  { definition, earlier = [] }: VersionedEvent,
  ids: EventIds,
  data: unknown,
  context: Omit<RecordContext, 'id' | 'sequence' | 'factId'>,
  settings: WireSettings,
): OutboxRow[] {
  const told = [{ definition, data }];
  for (const { definition: before, of } of earlier) told.unshift({ definition: before, data: of(told[0]?.data) });
  const factId = uuidv7();
  const records = told.map((one, index) => {
    const id = index === 0 ? factId : uuidv7();
    return toRecord(one.definition, ids, one.data, { id, sequence: null, factId, ...context }, settings);
  });
  return records.map(({ id, ...record }, index) => ({
    id,
    tenant_id: ids['tenantId'] ?? '',
    stream: record.stream,
    line: records[0]?.stream ?? '',
    version: index + 1,
    slot: slotOf(record.partitionKey),
    topic: record.topic,
    partition_key: record.partitionKey,
    type: record.type,
    headers: JSON.stringify(record.headers),
    value: record.value,
  }));
}

/** The number of the transaction that asks. */
export const THIS_TRANSACTION = sql`pg_current_xact_id()::text::bigint`;

/** In JSON, where every quotation mark within a value is escaped: it stands nowhere else. */
const NO_SEQUENCE = '"ce_sequence":""';

/**
 * Parts of a statement that write events in their order, each with the next sequence of its stream, in the row and in
 * the headers. The streams stay locked until the transaction ends.
 *
 * Of an event's versions those are written whose topic is open (event-versions/). The first open one leads. Another one
 * follows it when its stream stands where the leading one stood: a stream that is not filled yet is left to who fills
 * it. Where a stream stands is seen under its lock; that a topic is open, in the order of the entity's commits, since
 * this statement begins when the entity is locked.
 */
export const insertEvents = (events: readonly OutboxRow[]): Sql[] => [
  sql`the_events AS MATERIALIZED (
    SELECT event.*, versions.sunset, event.version = min(event.version) OVER (PARTITION BY event.line) AS leads
    FROM ROWS FROM (jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS (id uuid, tenant_id uuid, stream text,
      line text, version int, slot int, topic text, partition_key text, type text, headers text, value text))
      WITH ORDINALITY AS event (id, tenant_id, stream, line, version, slot, topic, partition_key, type, headers, value,
        place)
    LEFT JOIN event_versions versions ON versions.topic = event.topic
    WHERE coalesce(versions.stage IN ('open', 'deprecated'), event.version = 1))`,
  sql`leaders AS (
    INSERT INTO streams (stream, last_sequence, last_transaction_id)
    SELECT stream, count(*), ${THIS_TRANSACTION} FROM the_events WHERE leads GROUP BY stream ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_sequence = streams.last_sequence + excluded.last_sequence,
      last_transaction_id = greatest(streams.last_transaction_id, excluded.last_transaction_id)
    RETURNING stream, last_sequence, last_transaction_id)`,
  sql`beside AS (
    SELECT other.stream, count(*) AS added, leaders.last_sequence AS level
    FROM the_events other
    JOIN (SELECT DISTINCT line, stream FROM the_events WHERE leads) lead USING (line)
    JOIN leaders ON leaders.stream = lead.stream
    WHERE NOT other.leads GROUP BY other.stream, leaders.last_sequence)`,
  sql`followers AS (
    INSERT INTO streams (stream, last_sequence, last_transaction_id)
    SELECT stream, CASE WHEN level = added THEN added ELSE 0 END, ${THIS_TRANSACTION} FROM beside ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_sequence = (SELECT level FROM beside WHERE beside.stream = streams.stream),
      last_transaction_id = greatest(streams.last_transaction_id, excluded.last_transaction_id)
      WHERE streams.last_sequence = (SELECT level - added FROM beside WHERE beside.stream = streams.stream)
    RETURNING stream, last_sequence, last_transaction_id)`,
  sql`taken AS (
    SELECT stream, last_sequence, last_transaction_id FROM leaders UNION ALL
    SELECT stream, last_sequence, last_transaction_id FROM followers JOIN beside USING (stream) WHERE last_sequence = level)`,
  sql`numbered AS (
    SELECT the_events.*, taken.last_transaction_id, taken.last_sequence + 1 - row_number() OVER (
      PARTITION BY stream ORDER BY place DESC) AS sequence
    FROM the_events JOIN taken USING (stream))`,
  sql`the_outbox AS (
    INSERT INTO outbox_events
      (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value, transaction_id)
    SELECT id, tenant_id, stream, sequence, slot, topic, partition_key, type,
      replace(CASE WHEN sunset IS NULL THEN headers ELSE left(headers, -1) || ',"ce_sunset":"' || sunset || '"}' END,
        ${NO_SEQUENCE}, '"ce_sequence":"' || sequence || '"'), value, last_transaction_id
    FROM numbered ORDER BY place)`,
];
