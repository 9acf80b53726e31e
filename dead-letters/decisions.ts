import type { DeadLetterDecision } from '../workflows/contract/dead-letter.ts';
import type { Database } from '../platform/database.ts';
import { AUDIT_ENTITY_TYPE, type DeadLetterRow, tenantOrNil } from './rows.ts';

/** What people have decided about a dead letter, and what they have stopped: the last ones, oldest first. */
export async function decisionsOf(
  database: Database,
  deadLetter: DeadLetterRow,
  last: number,
): Promise<DeadLetterDecision[]> {
  const rows = await database.auditEntry.findMany({
    where: { tenantId: tenantOrNil(deadLetter), entityType: AUDIT_ENTITY_TYPE, entityId: deadLetter.id },
    orderBy: { sequence: 'desc' },
    take: last,
  });
  return rows.toReversed().map(({ at, actor, action, status, reason }) => ({
    at: at.toISOString(),
    actor,
    action: action as DeadLetterDecision['action'],
    status: status as DeadLetterDecision['status'],
    reason: reason ?? '',
  }));
}
