/** The message of a dead letter: its payload, and the record it was. */
import { textOf } from '../messaging/utf8.ts';
import type { IncomingRecord } from '../messaging/event-source.ts';
import type { DeadLetterRow } from './rows.ts';

/** The payload as it would be handed in or sent now: as it came, or as it was edited last. */
export const payloadBytes = ({ value, editedValue }: Pick<DeadLetterRow, 'value' | 'editedValue'>): Uint8Array | null =>
  editedValue ?? value;

/** The same as text, when it is UTF-8; an absent one is empty. */
export const payloadText = (row: Pick<DeadLetterRow, 'value' | 'editedValue'>): string | null =>
  textOf(payloadBytes(row));

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
