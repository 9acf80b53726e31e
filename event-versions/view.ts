/** A version as people see it. */
import { NIL } from 'uuid';
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import type { EventVersionView } from '../workflows/contract/event-version.ts';
import { initialStage } from './decide.ts';
import { toEventVersion } from './entity.ts';
import type { TopicVersion } from './lines.ts';
import type { EventVersion } from './members.ts';
import { readersOf } from './readers.ts';

const DECISIONS_SHOWN = 10;
/** Also in the history of its workflow: groups of a moment may be many. */
const READERS_SHOWN = 100;

const versionRow = z.looseObject({});
const entryRow = z.object({
  at: z.date().transform((at) => at.toISOString()),
  actor: z.string(),
  action: z.string(),
  stage: z.string(),
  reason: z
    .string()
    .nullable()
    .transform((reason) => reason ?? ''),
});

/** null: nobody has decided anything about it. */
export async function storedVersion(database: Database, id: string): Promise<EventVersion | null> {
  const [row] = await queryRows(database, versionRow)`
    SELECT * FROM event_versions WHERE tenant_id = ${NIL}::uuid AND id = ${id}::uuid`;
  return row ? toEventVersion(row) : null;
}

export async function viewOf(database: Database, of: TopicVersion): Promise<EventVersionView> {
  const { topic, before, after, id } = of;
  const stored = await storedVersion(database, id);
  const [readers, look, decisions] = await Promise.all([
    readersOf(database, topic),
    database.eventVersionLook.findUnique({ where: { topic } }),
    queryRows(database, entryRow)`
      SELECT at, actor, action, status AS stage, reason FROM audit_entries
      WHERE tenant_id = ${NIL}::uuid AND entity_type = 'event_version' AND entity_id = ${id}::uuid
      ORDER BY sequence DESC LIMIT ${DECISIONS_SHOWN}`,
  ]);
  const stage = stored?.stage ?? initialStage(before);
  const filledAt = stored?.filledAt ?? null;
  return {
    topic,
    before,
    after,
    stage,
    version: stored?.version ?? 0,
    sunset: stored?.sunset ?? null,
    filledAt,
    progress: null,
    readers: readers.slice(0, READERS_SHOWN).map(({ groupId, state, lag, members, lastSeenAt }) => ({
      groupId,
      state,
      lag: String(lag),
      members,
      lastSeenAt,
    })),
    lookedAt: look?.lookedAt.toISOString() ?? null,
    lookError: null,
    decisions,
  };
}
