import type { Database } from '../platform/database.ts';

export interface DeadLetterCount {
  direction: string;
  reason: string;
  deadLetters: number;
}

/** How many dead letters nobody has decided, of all tenants, by direction and reason. */
export async function openDeadLetters(database: Database): Promise<DeadLetterCount[]> {
  const groups = await database.deadLetter.groupBy({
    by: ['direction', 'reason'],
    where: { resolvedAt: null },
    _count: true,
  });
  return groups.map(({ direction, reason, _count }) => ({ direction, reason, deadLetters: _count }));
}
