import type { WireInvoice } from './wire.ts';
import type { Refusal } from '../commands/refusal.ts';
import type { Database } from '../platform/database.ts';

/** What Postgres knows of an attempt: the answer, the refusal, or null when neither was recorded. */
export async function operationOutcome(
  database: Database,
  tenantId: string,
  attemptId: string,
): Promise<{ invoice: WireInvoice } | { refusal: Refusal } | null> {
  const command = await database.command.findFirst({ where: { tenantId, attemptId } });
  if (command?.answer) return { invoice: JSON.parse(command.answer) as WireInvoice };
  const refused = await database.refusal.findFirst({ where: { tenantId, attemptId } });
  if (!refused) return null;
  const { code, detail, members } = refused;
  return { refusal: { code, detail, members: JSON.parse(members) as Refusal['members'] } };
}
