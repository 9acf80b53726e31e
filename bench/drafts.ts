/** Many drafts at once, through the service's own transaction but without its workflows: a day's worth in seconds. */
import { randomUUID } from 'node:crypto';
import { newAttemptId } from '../commands/key.ts';
import { carryOut } from '../commands/transaction.ts';
import { commandOf } from '../invoices/commands.ts';
import type { StepCommand } from '../invoices/lifecycle.ts';
import type { WireSettings } from '../messaging/cloud-event.ts';
import type { Database } from '../platform/database.ts';

const AT_ONCE = 100;

/** Drafts `count` invoices of 1200.00 EUR and returns their ids. `dueDate` is YYYY-MM-DD. */
export async function draftMany(
  database: Database,
  wire: WireSettings,
  { tenantId, count, dueDate }: { tenantId: string; count: number; dueDate: string | null },
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const commands = ids.slice(start, start + AT_ONCE).map((invoiceId): StepCommand<'create'> => ({
      tenantId,
      invoiceId,
      key: `bulk:${invoiceId}`,
      fingerprint: 'bulk',
      attemptId: newAttemptId(),
      acceptedAt: new Date().toISOString(),
      actor: 'ann',
      expectedVersion: null,
      body: {
        name: 'Hosting, November',
        amountMinor: 120_000,
        currency: 'EUR',
        customerReference: null,
        dueDate,
        cashierId: null,
      },
    }));
    const create = commandOf('create', { overdueAfterMs: undefined });
    const outcomes = await carryOut({ database, wire, notify: () => undefined, waitMs: 10_000 }, create, commands);
    const refused = outcomes.find(({ kind }) => kind !== 'done');
    if (refused) throw new Error(`A draft was not created: ${JSON.stringify(refused)}`);
  }
  return ids;
}
