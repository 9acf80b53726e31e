/** A dead letter as its workflow's page shows it. */
import type { DeadLetterView } from '../workflows/contract/dead-letter.ts';
import type { Direction, Resolution } from './dead-letter.ts';
import type { Database } from '../platform/database.ts';
import { decisionsOf } from './decisions.ts';
import { invoiceOfDeadLetter } from './named-invoice.ts';
import { payloadBytes, payloadText } from './payload.ts';
import type { DeadLetterRow } from './rows.ts';

const PAYLOAD_SHOWN_MAX = 2_000;
const DECISIONS_SHOWN_MAX = 20;

export const deadLetterView = async (database: Database, row: DeadLetterRow): Promise<DeadLetterView> => ({
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
  invoice: await invoiceOfDeadLetter(database, row),
  decisions: await decisionsOf(database, row, DECISIONS_SHOWN_MAX),
});

const shortened = (text: string | null, bytes: number): string =>
  text === null
    ? `(${bytes} bytes that are no text)`
    : text.length <= PAYLOAD_SHOWN_MAX
      ? text
      : `${text.slice(0, PAYLOAD_SHOWN_MAX)} ... (${bytes} bytes in all)`;
