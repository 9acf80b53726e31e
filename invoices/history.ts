import type { HistoryEntry } from '../workflows/contract/invoice.ts';
import type { Action, Status } from './lifecycle.ts';
import type { Database } from '../platform/database.ts';

/** All that happened to an invoice, oldest first: who, when, what, why. `last` limits it to the newest. */
export async function invoiceHistory(
  database: Database,
  tenantId: string,
  invoiceId: string,
  { last }: { last?: number } = {},
): Promise<HistoryEntry[]> {
  const rows = await database.auditEntry.findMany({
    where: { tenantId, entityType: 'invoice', entityId: invoiceId },
    orderBy: { sequence: 'desc' },
    ...(last ? { take: last } : {}),
  });
  return rows.toReversed().map((row) => ({
    version: row.version,
    action: row.action as Action,
    at: row.at.toISOString(),
    actor: row.actor,
    status: row.status as Status,
    reason: row.reason,
  }));
}
