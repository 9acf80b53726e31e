/**
 * The versions of an event against each other: an open one has everything that the one before has since it was filled,
 * with the same sequences and facts (MSG-09).
 */
import { z } from 'zod';
import { queryRows } from '../../platform/rows.ts';
import { versionedTopics } from '../../registry/event-versions.ts';
import type { TopicVersion } from '../../event-versions/lines.ts';
import { viewOf } from '../../event-versions/view.ts';
import { type Check, PAGE, type Tally, type World, ofTenants, pages } from './check.ts';
import { sql } from '../../platform/sql.ts';

export const versions: Check = {
  name: 'versions',
  run: async (world, tally) => {
    const topics = versionedTopics(world.environment);
    for (const of of topics) {
      const { stage, filledAt } = await viewOf(world.database, of);
      tally.saw('topics');
      if (of.before === null || stage === 'planned') continue;
      const before = topics.find(({ topic }) => topic === of.before);
      const isOver = before && (await viewOf(world.database, before)).stage === 'closed';
      if (filledAt === null) tally.note(`${of.topic} is being filled`);
      else if (!isOver) await findUnlevel(world, of, tally);
      await findTwins(world, of, tally);
    }
  },
};

const unlevelRow = z.object({ stream: z.string(), own: z.bigint(), old: z.bigint() });

/** Streams of the version before that have more than its own. */
async function findUnlevel(
  { database, tenants }: World,
  { topic, before }: TopicVersion,
  { found }: Tally,
): Promise<void> {
  const cut = (before?.length ?? 0) + 1;
  const unlevel = pages(
    (after: { stream: string } | null) => queryRows(database, unlevelRow)`
      SELECT old.stream, coalesce(own.last_sequence, 0) AS own, old.last_sequence AS old
      FROM streams old LEFT JOIN streams own ON own.stream = ${topic} || substr(old.stream, ${cut})
      WHERE starts_with(old.stream, ${`${before}|`}) AND old.stream > ${after?.stream ?? ''}
        AND old.last_sequence <> coalesce(own.last_sequence, 0)
        AND ${tenants ? sql`split_part(old.stream, '|', 2) = ANY(${[...tenants]}::text[])` : sql`TRUE`}
      ORDER BY old.stream LIMIT ${PAGE}`,
  );
  for await (const rows of unlevel)
    for (const { stream, own, old } of rows)
      found(
        stream,
        own < old
          ? `${topic} stands at ${own}, it at ${old}: the service fills that in, as long as the outbox has it`
          : `${topic} stands at ${own} already, it at ${old}`,
      );
}

const twinRow = z.object({ stream: z.string(), sequence: z.bigint(), id: z.string(), agrees: z.boolean() });

/** At the same place of both stands the same fact. */
async function findTwins(world: World, { topic, before }: TopicVersion, { saw, found }: Tally): Promise<void> {
  const cut = topic.length + 1;
  const twins = pages(
    (after: { stream: string; sequence: bigint } | null) => queryRows(world.database, twinRow)`
      WITH own AS MATERIALIZED (
        SELECT * FROM outbox_events e
        WHERE topic = ${topic} AND (stream, sequence) > (${after?.stream ?? ''}, ${after?.sequence ?? 0n}::bigint)
          AND ${ofTenants(world, sql`e.tenant_id`)}
        ORDER BY stream, sequence LIMIT ${PAGE})
      SELECT own.stream, own.sequence, own.id,
        old.id IS NULL OR own.headers::jsonb ->> 'ce_factid' = coalesce(
          old.headers::jsonb ->> 'ce_factid', old.headers::jsonb ->> 'ce_id') AS agrees
      FROM own LEFT JOIN outbox_events old
        ON old.stream = ${before} || substr(own.stream, ${cut}) AND old.sequence = own.sequence
      ORDER BY own.stream, own.sequence`,
  );
  for await (const rows of twins) {
    saw('events', rows.length);
    for (const { stream, sequence, id } of rows.filter(({ agrees }) => !agrees))
      found(id, `another fact stands at sequence ${sequence} of ${stream} than in ${before}`);
  }
}
