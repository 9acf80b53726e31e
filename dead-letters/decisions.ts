import type { LetterDecision } from '../workflows/contract/dead-letter.ts';
import type { Database } from '../platform/database.ts';
import { AUDIT_ENTITY_TYPE, type DeadLetterRow, auditTenant } from './rows.ts';

/** What people have decided about a letter, and what they have stopped: the last ones, oldest first. */
export async function decisionsOf(database: Database, letter: DeadLetterRow, last: number): Promise<LetterDecision[]> {
  const rows = await database.auditEntry.findMany({
    where: { tenantId: auditTenant(letter), entityType: AUDIT_ENTITY_TYPE, entityId: letter.id },
    orderBy: { sequence: 'desc' },
    take: last,
  });
  return rows.toReversed().map(({ at, actor, action, status, reason }) => ({
    at: at.toISOString(),
    actor,
    action: action as LetterDecision['action'],
    status: status as LetterDecision['status'],
    reason: reason ?? '',
  }));
}
