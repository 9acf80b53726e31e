/**
 * Events on their way out: written in the transaction of the command that they tell of.
 *
 * Always true:
 * 1. A stream's sequences are 1..n without a gap: the number is taken with an upsert in the same transaction, whose
 *    row lock makes commit order and sequence order the same.
 * 2. Whoever locks several streams locks them in the order of their names.
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import type { EventDefinition, EventIds } from '../messaging/event.ts';
import { type WireSettings, toRecord } from '../messaging/cloud-event.ts';

/** Relays share the streams by slot; a fixed number, so that their count can change without touching a row. */
export const SLOTS = 1024;

export const slotOf = (partitionKey: string): number =>
  createHash('sha256').update(partitionKey).digest().readUInt32BE(0) % SLOTS;

const sequenceRow = z.object({ stream: z.string(), last_sequence: z.bigint() });

/**
 * The next sequences of streams, taken and locked until the transaction ends: one for each time a name is given.
 * The answer hands them out in order.
 */
export async function takeSequences(
  tx: TransactionClient,
  streams: readonly string[],
): Promise<(stream: string) => bigint> {
  const counts = new Map<string, number>();
  for (const stream of streams) counts.set(stream, (counts.get(stream) ?? 0) + 1);
  const names = [...counts.keys()].toSorted();
  const amounts = names.map((name) => counts.get(name) ?? 0);
  const taken =
    names.length === 0
      ? []
      : await queryRows(tx, sequenceRow)`
        INSERT INTO streams (stream, last_sequence)
        SELECT name, amount
        FROM unnest(${names}::text[], ${amounts}::int[]) WITH ORDINALITY AS wanted(name, amount, place)
        ORDER BY place
        ON CONFLICT (stream) DO UPDATE SET last_sequence = streams.last_sequence + excluded.last_sequence
        RETURNING stream, last_sequence`;
  const next = new Map(
    taken.map((row) => [row.stream, row.last_sequence - BigInt(counts.get(row.stream) ?? 0) + 1n] as const),
  );
  return (stream) => {
    const sequence = next.get(stream);
    if (sequence === undefined) throw new TypeError(`No sequence was taken for stream ${stream}.`);
    next.set(stream, sequence + 1n);
    return sequence;
  };
}

/** A row of `outbox_events`, by the names of its columns. */
export interface OutboxRow {
  id: string;
  tenant_id: string;
  stream: string;
  sequence: string;
  slot: number;
  topic: string;
  partition_key: string;
  type: string;
  headers: string;
  value: string;
}

/** The row of the outbox for one event. */
export function outboxRow(
  definition: EventDefinition,
  ids: EventIds,
  data: unknown,
  context: { sequence: bigint; time: string; causationId: string },
  settings: WireSettings,
): OutboxRow {
  const id = uuidv7();
  const record = toRecord(definition, ids, data, { id, ...context }, settings);
  return {
    id,
    tenant_id: ids['tenantId'] ?? '',
    stream: record.stream,
    sequence: String(context.sequence),
    slot: slotOf(record.partitionKey),
    topic: record.topic,
    partition_key: record.partitionKey,
    type: record.type,
    headers: JSON.stringify(record.headers),
    value: record.value,
  };
}
