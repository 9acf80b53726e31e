/** The invoice that a dead letter is about: its payload says which, as it would be handed in or sent now. */
import type { DeadLetterInvoice } from '../workflows/contract/dead-letter.ts';
import { uuidIn } from '../values/text.ts';
import type { Database } from '../platform/database.ts';
import type { DeadLetterRow } from './rows.ts';
import { payloadText } from './payload.ts';

/** null: it names none. One that is not there, or another tenant's, has its id alone. */
export async function invoiceOfDeadLetter(
  database: Database,
  deadLetter: DeadLetterRow,
): Promise<DeadLetterInvoice | null> {
  const id = invoiceIdIn(deadLetter);
  if (id === null) return null;
  const { tenantId } = deadLetter;
  const found =
    tenantId === null ? null : await database.invoice.findUnique({ where: { tenantId_id: { tenantId, id } } });
  return { id, number: found?.number ?? null, customerReference: found?.customerReference ?? null };
}

type Named = Pick<DeadLetterRow, 'direction' | 'key' | 'value' | 'editedValue'>;

/** Of a message that cannot be read, the key still says it. */
export function invoiceIdIn(deadLetter: Named): string | null {
  const data = membersOf(payloadText(deadLetter));
  const inKey =
    data || deadLetter.direction === 'outbound'
      ? undefined
      : Buffer.from(deadLetter.key ?? [])
          .toString('utf8')
          .split('|')[1];
  const named = data ? (idIn(data) ?? idIn(data['data'])) : inKey;
  return uuidIn(named) ?? null;
}

/** A structured CloudEvent has its data in a member of its own. */
function idIn(data: unknown): unknown {
  const { invoiceId, invoice } = (isObject(data) ? data : {}) as { invoiceId?: unknown; invoice?: { id?: unknown } };
  return invoiceId ?? invoice?.id;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function membersOf(text: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
