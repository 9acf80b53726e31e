/**
 * Facts on their way out: written in the transaction of the step that they tell about.
 *
 * Always true:
 * 1. A stream's sequences are 1..n without a gap: the number is taken with an upsert in the same transaction, whose
 *    row lock makes commit order and sequence order the same.
 * 2. Streams are locked in the order of their names, in one place only.
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { TransactionClient } from '../platform/database.ts';
import type { FactIds } from './catalog.ts';
import { type WireSettings, streamPlace, toRecord } from './cloud-event.ts';
import type { AcceptedStep, FactOfStep } from './invoice-facts.ts';

/** Relays share the streams by slot; a fixed number, so that their count can change without touching a row. */
export const SLOTS = 1024;

export const slotOf = (partitionKey: string): number =>
  createHash('sha256').update(partitionKey).digest().readUInt32BE(0) % SLOTS;

/** The next sequence of each stream that the facts go to, taken and locked until the transaction ends. */
export async function takeSequences(
  tx: TransactionClient,
  facts: readonly FactOfStep[],
  ids: FactIds,
  environment: string,
): Promise<Map<string, bigint>> {
  const streams = [...new Set(facts.map(({ name }) => streamPlace(name, ids, environment).stream))].toSorted();
  const taken = await tx.$queryRaw<{ stream: string; last_sequence: bigint }[]>`
    INSERT INTO streams (stream, last_sequence)
    SELECT name, 1 FROM unnest(${streams}::text[]) WITH ORDINALITY AS wanted(name, place) ORDER BY place
    ON CONFLICT (stream) DO UPDATE SET last_sequence = streams.last_sequence + 1
    RETURNING stream, last_sequence`;
  return new Map(taken.map((row) => [row.stream, row.last_sequence]));
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

/** The rows of the outbox for an accepted step. */
export function outboxRows(
  facts: readonly FactOfStep[],
  ids: FactIds,
  step: AcceptedStep,
  sequences: ReadonlyMap<string, bigint>,
  context: { time: string; causationId: string },
  settings: WireSettings,
): OutboxRow[] {
  return facts.map(({ name, data }) => {
    const id = uuidv7();
    const { stream } = streamPlace(name, ids, settings.environment);
    const sequence = sequences.get(stream);
    if (sequence === undefined) throw new TypeError(`No sequence was taken for stream ${stream}.`);
    const record = toRecord(name, ids, data(step), { id, sequence, ...context }, settings);
    return {
      id,
      tenant_id: ids.tenantId,
      stream,
      sequence: String(sequence),
      slot: slotOf(record.partitionKey),
      topic: record.topic,
      partition_key: record.partitionKey,
      type: record.type,
      headers: JSON.stringify(record.headers),
      value: record.value,
    };
  });
}
