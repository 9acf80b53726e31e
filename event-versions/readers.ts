/**
 * Who reads a version: what was seen is kept, since Kafka forgets groups that are gone. Readers that commit no offsets
 * are not seen: nobody seen does not mean nobody.
 */
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import type { ReadingGroup } from '../platform/kafka-groups.ts';
import { queryRows } from '../platform/rows.ts';
import { type Length, STORABLE, textFaults } from '../values/text.ts';

export const readerStates = ['moving', 'idle', 'gone'] as const;
export type ReaderState = (typeof readerStates)[number];

/** A consumer group, as it was seen last. Instants are RFC 3339. */
export interface Reader {
  groupId: string;
  /**
   * moving: its offsets have moved since the look before, or it has a member and nothing is left to read. idle: neither.
   * gone: Kafka knows nothing of it any more.
   */
  state: ReaderState;
  /** The sum of its offsets. */
  committed: bigint;
  lag: bigint;
  members: number;
  firstSeenAt: string;
  /** When it last moved, or had a member. */
  lastSeenAt: string;
}

/** What is known of the readers after a look: pure. `at` is RFC 3339. */
export function afterLook(before: readonly Reader[], groups: readonly ReadingGroup[], at: string): Reader[] {
  const known = new Map(before.map((reader) => [reader.groupId, reader]));
  const seen = groups.map((group): Reader => {
    const last = known.get(group.groupId);
    const hasMoved = last !== undefined && last.state !== 'gone' && group.committed !== last.committed;
    const isReading = hasMoved || (group.members > 0 && group.lag === 0n);
    // Of one that is seen for the first time nobody knows since when it has been idle.
    const isAlive = isReading || group.members > 0 || last === undefined || last.state === 'gone';
    return {
      ...group,
      state: isReading ? 'moving' : 'idle',
      firstSeenAt: last?.firstSeenAt ?? at,
      lastSeenAt: isAlive ? at : last.lastSeenAt,
    };
  });
  const there = new Set(groups.map(({ groupId }) => groupId));
  const gone = before.filter(({ groupId }) => !there.has(groupId));
  return [...seen, ...gone.map((reader) => Object.assign({}, reader, { state: 'gone' as const, members: 0 }))];
}

const readerRow = z.object({
  groupId: z.string(),
  state: z.enum(readerStates),
  committed: z.bigint(),
  lag: z.bigint(),
  members: z.int(),
  firstSeenAt: z.date().transform((at) => at.toISOString()),
  lastSeenAt: z.date().transform((at) => at.toISOString()),
});

/** Those that were seen last come first. */
export const readersOf = (database: Database, topic: string): Promise<Reader[]> =>
  queryRows(database, readerRow)`
    SELECT group_id AS "groupId", state, committed, lag, members,
           first_seen_at AS "firstSeenAt", last_seen_at AS "lastSeenAt"
    FROM event_version_readers WHERE topic = ${topic} ORDER BY last_seen_at DESC, group_id`;

/** A topic that nobody has looked at for longer was not watched meanwhile. */
export const WATCHED_WITHIN = '1 hour';
/** Groups of a moment (a person's tool, say) are kept no longer. */
const GONE_KEPT = '90 days';

const GROUP_LENGTH: Length = [1, 255];

/** Records a look. */
export async function recordLook(
  database: Database,
  topic: string,
  groups: readonly ReadingGroup[],
  at: string,
): Promise<void> {
  // A name that Postgres cannot hold is nobody's who could be asked to move.
  const named = groups.filter(({ groupId }) => textFaults(groupId, STORABLE, GROUP_LENGTH).length === 0);
  const readers = afterLook(await readersOf(database, topic), named, at);
  const rows = JSON.stringify(readers, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  await database.$transaction([
    database.$executeRaw`
      INSERT INTO event_version_readers
        (topic, group_id, state, committed, lag, members, first_seen_at, last_seen_at, looked_at)
      SELECT ${topic}, "groupId", state, committed, lag, members, "firstSeenAt", "lastSeenAt", ${at}::timestamptz
      FROM jsonb_to_recordset(${rows}::jsonb) AS seen("groupId" text, state text, committed bigint,
        lag bigint, members int, "firstSeenAt" timestamptz, "lastSeenAt" timestamptz)
      ON CONFLICT (topic, group_id) DO UPDATE SET state = excluded.state, committed = excluded.committed,
        lag = excluded.lag, members = excluded.members, last_seen_at = excluded.last_seen_at,
        looked_at = excluded.looked_at`,
    database.$executeRaw`
      INSERT INTO event_version_looks VALUES (${topic}, ${at}::timestamptz, ${at}::timestamptz)
      ON CONFLICT (topic) DO UPDATE SET looked_at = excluded.looked_at,
        first_looked_at = CASE
          WHEN event_version_looks.looked_at < excluded.looked_at - ${WATCHED_WITHIN}::interval THEN excluded.looked_at
          ELSE event_version_looks.first_looked_at END`,
    database.$executeRaw`
      DELETE FROM event_version_readers
      WHERE topic = ${topic} AND state = 'gone' AND last_seen_at < ${at}::timestamptz - ${GONE_KEPT}::interval`,
  ]);
}

const countRow = z.object({
  topic: z.string(),
  state: z.enum(readerStates),
  readers: z.bigint().transform(Number),
  behind: z.bigint().transform(Number),
});
/** How many groups of a topic are moving, idle or gone, and how many records they are behind together. */
export type ReaderCount = z.infer<typeof countRow>;

export const countReaders = (database: Database): Promise<ReaderCount[]> =>
  queryRows(database, countRow)`
    SELECT topic, state, count(*) AS readers, sum(lag)::bigint AS behind
    FROM event_version_readers GROUP BY topic, state ORDER BY topic, state`;
