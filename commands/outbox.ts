/**
 * Events on their way out: written in the transaction of the command that they tell of.
 *
 * Always true:
 * 1. A stream's sequences are 1..n without a gap: they are taken with an upsert in the statement that writes the
 *    events, whose row lock makes commit order and sequence order the same.
 * 2. Whoever locks several streams locks them in the order of their names.
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Sql, sql } from '../platform/sql.ts';
import type { EventDefinition, EventIds } from '../messaging/event.ts';
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
  slot: number;
  topic: string;
  partition_key: string;
  type: string;
  headers: string;
  value: string;
}

/** The row of the outbox for one event. Its headers have an empty sequence. */
export function outboxRow(
  definition: EventDefinition,
  ids: EventIds,
  data: unknown,
  context: Omit<RecordContext, 'id' | 'sequence'>,
  settings: WireSettings,
): OutboxRow {
  const id = uuidv7();
  const record = toRecord(definition, ids, data, { id, sequence: null, ...context }, settings);
  return {
    id,
    tenant_id: ids['tenantId'] ?? '',
    stream: record.stream,
    slot: slotOf(record.partitionKey),
    topic: record.topic,
    partition_key: record.partitionKey,
    type: record.type,
    headers: JSON.stringify(record.headers),
    value: record.value,
  };
}

/** In JSON, where every quotation mark within a value is escaped: it stands nowhere else. */
const NO_SEQUENCE = '"ce_sequence":""';

/**
 * Parts of a statement that write events in their order, each with the next sequence of its stream, in the row and in
 * the headers. The streams stay locked until the transaction ends.
 */
export const insertEvents = (events: readonly OutboxRow[]): Sql[] => [
  sql`the_events AS MATERIALIZED (
    SELECT row_number() OVER () AS place, event.*
    FROM jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS event(id uuid, tenant_id uuid, stream text, slot int,
      topic text, partition_key text, type text, headers text, value text))`,
  sql`taken AS (
    INSERT INTO streams (stream, last_sequence)
    SELECT stream, count(*) FROM the_events GROUP BY stream ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET last_sequence = streams.last_sequence + excluded.last_sequence
    RETURNING stream, last_sequence)`,
  sql`numbered AS (
    SELECT the_events.*, taken.last_sequence + 1 - row_number() OVER (
      PARTITION BY stream ORDER BY place DESC) AS sequence
    FROM the_events JOIN taken USING (stream))`,
  sql`the_outbox AS (
    INSERT INTO outbox_events
      (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value)
    SELECT id, tenant_id, stream, sequence, slot, topic, partition_key, type,
      replace(headers, ${NO_SEQUENCE}, '"ce_sequence":"' || sequence || '"'), value
    FROM numbered ORDER BY place)`,
];
