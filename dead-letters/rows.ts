/** Dead letters as they are read: by id, and a tenant's by page. */
import { NIL } from 'uuid';
import { z } from 'zod';
import type { Direction } from './dead-letter.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { sql, sqlAnd } from '../platform/sql.ts';

export type DeadLetterRow = NonNullable<Awaited<ReturnType<Database['deadLetter']['findUnique']>>>;

/** Without the message, which may be large. */
export type DeadLetterSummaryRow = Omit<DeadLetterRow, 'key' | 'value' | 'editedValue' | 'headers'>;

export const deadLetterById = (database: Database | TransactionClient, id: string): Promise<DeadLetterRow | null> =>
  database.deadLetter.findUnique({ where: { id } });

/** Of its entries in the audit trail. */
export const AUDIT_ENTITY_TYPE = 'dead_letter';

/** What belongs to no tenant stands under the nil UUID, in the audit trail too. */
export const tenantOrNil = ({ tenantId }: Pick<DeadLetterRow, 'tenantId'>): string => tenantId ?? NIL;

/** Where a page ends: the last dead letter on it. Dead letters opened later are newer, so they never move a page. */
export interface DeadLetterPosition {
  openedAt: string;
  id: string;
}

export interface DeadLetterFilter {
  direction?: Direction | undefined;
  status?: 'open' | 'resolved' | undefined;
  reason?: string | undefined;
  topic?: string | undefined;
  type?: string | undefined;
  limit: number;
}

const idRow = z.object({ id: z.string() });

/** One page of a tenant's dead letters, or under the nil UUID of nobody's, newest first, and the position after it (null at the end). */
export async function listDeadLetters(
  database: Database,
  tenantId: string,
  filter: DeadLetterFilter,
  after: DeadLetterPosition | null,
): Promise<{ deadLetters: DeadLetterSummaryRow[]; next: DeadLetterPosition | null }> {
  const conditions = [
    tenantId === NIL ? sql`tenant_id IS NULL` : sql`tenant_id = ${tenantId}::uuid`,
    ...(filter.status === 'open' ? [sql`resolved_at IS NULL`] : []),
    ...(filter.status === 'resolved' ? [sql`resolved_at IS NOT NULL`] : []),
    ...(filter.direction ? [sql`direction = ${filter.direction}`] : []),
    ...(filter.reason ? [sql`reason = ${filter.reason}`] : []),
    ...(filter.topic ? [sql`topic = ${filter.topic}`] : []),
    ...(filter.type ? [sql`type = ${filter.type}`] : []),
    ...(after ? [sql`(opened_at, id) < (${after.openedAt}::timestamptz, ${after.id}::uuid)`] : []),
  ];
  const found = await queryRows(database, idRow)`
    SELECT id FROM dead_letters WHERE ${sqlAnd(conditions)}
    ORDER BY opened_at DESC, id DESC LIMIT ${filter.limit + 1}`;
  const ids = found.slice(0, filter.limit).map(({ id }) => id);
  const deadLetters = await database.deadLetter.findMany({
    where: { id: { in: ids } },
    omit: { key: true, value: true, editedValue: true, headers: true },
    orderBy: [{ openedAt: 'desc' }, { id: 'desc' }],
  });
  const last = deadLetters.at(-1);
  const isMore = found.length > filter.limit && last;
  return { deadLetters, next: isMore ? { openedAt: last.openedAt.toISOString(), id: last.id } : null };
}
