/** A dead letter as its workflow's page shows it, and as the record it was. */
import { isUtf8 } from 'node:buffer';
import type { IncomingRecord } from '../events/event-source.ts';
import type { DeadLetterView } from '../workflows/contract.ts';
import type { DeadLetterRow } from './dead-letters.ts';

const PAYLOAD_SHOWN_MAX = 2_000;

export const deadLetterView = (row: DeadLetterRow): DeadLetterView => ({
  id: row.id,
  tenantId: row.tenantId,
  topic: row.topic,
  partition: row.partition,
  offset: String(row.offset),
  source: row.source,
  eventId: row.eventId,
  type: row.type,
  reason: row.reason,
  detail: row.detail,
  payload: shortened(payloadText(row), row.value?.byteLength ?? 0),
  openedAt: row.openedAt.toISOString(),
  attempts: row.attempts,
  resolution:
    row.resolution === null
      ? null
      : {
          as: row.resolution as 'replayed' | 'discarded',
          by: row.resolvedBy ?? '',
          because: row.resolvedReason ?? '',
          at: (row.resolvedAt ?? row.openedAt).toISOString(),
        },
});

/** The payload, when it is UTF-8; an absent one is empty. */
export const payloadText = ({ value }: Pick<DeadLetterRow, 'value'>): string | null =>
  value === null ? '' : isUtf8(value) ? Buffer.from(value).toString('utf8') : null;

const shortened = (text: string | null, bytes: number): string =>
  text === null
    ? `(${bytes} bytes that are no text)`
    : text.length <= PAYLOAD_SHOWN_MAX
      ? text
      : `${text.slice(0, PAYLOAD_SHOWN_MAX)} ... (${bytes} bytes in all)`;

/** The record as it came. */
export const recordOf = ({ topic, partition, offset, key, value, headers }: DeadLetterRow): IncomingRecord => ({
  topic,
  partition,
  offset,
  key: key && Buffer.from(key),
  value: value && Buffer.from(value),
  headers: JSON.parse(headers) as Record<string, string>,
});
