/** A dead letter as its workflow's page shows it, and as the record it was. */
import { isUtf8 } from 'node:buffer';
import type { Direction, Resolution } from '../domain/dead-letter.ts';
import type { IncomingRecord } from '../events/event-source.ts';
import type { DeadLetterView } from '../workflows/contract.ts';
import type { DeadLetterRow } from './dead-letters.ts';

const PAYLOAD_SHOWN_MAX = 2_000;

export const deadLetterView = (row: DeadLetterRow): DeadLetterView => ({
  id: row.id,
  direction: row.direction as Direction,
  tenantId: row.tenantId,
  topic: row.topic,
  partition: row.partition,
  offset: row.offset === null ? null : String(row.offset),
  source: row.source,
  eventId: row.eventId,
  type: row.type,
  reason: row.reason,
  detail: row.detail,
  payload: shortened(payloadText(row), payloadBytes(row)?.byteLength ?? 0),
  edited: row.editedValue !== null,
  openedAt: row.openedAt.toISOString(),
  attempts: row.attempts,
  resolution:
    row.resolution === null
      ? null
      : {
          as: row.resolution as Resolution,
          by: row.resolvedBy ?? '',
          because: row.resolvedReason ?? '',
          at: (row.resolvedAt ?? row.openedAt).toISOString(),
        },
});

/** The payload as it would be handed in or sent now: as it came, or as it was edited last. */
export const payloadBytes = ({ value, editedValue }: Pick<DeadLetterRow, 'value' | 'editedValue'>): Uint8Array | null =>
  editedValue ?? value;

/** The same as text, when it is UTF-8; an absent one is empty. */
export const payloadText = (row: Pick<DeadLetterRow, 'value' | 'editedValue'>): string | null =>
  textOf(payloadBytes(row));

export const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? '' : isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : null;

const shortened = (text: string | null, bytes: number): string =>
  text === null
    ? `(${bytes} bytes that are no text)`
    : text.length <= PAYLOAD_SHOWN_MAX
      ? text
      : `${text.slice(0, PAYLOAD_SHOWN_MAX)} ... (${bytes} bytes in all)`;

/** The record of a message as it came, with the payload as it is now. */
export function recordOf(row: DeadLetterRow): IncomingRecord {
  const { topic, partition, offset, key, headers } = row;
  if (partition === null || offset === null) throw new TypeError(`The dead letter ${row.id} is no message.`);
  const value = payloadBytes(row);
  return {
    topic,
    partition,
    offset,
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: JSON.parse(headers) as Record<string, string>,
  };
}
