/** An event that is told in two versions, on topics of its own: nobody else's versions are touched. */
import { randomUUID } from 'node:crypto';
import { insertEvents, outboxRows } from '../../commands/outbox.ts';
import type { TopicVersion } from '../../event-versions/lines.ts';
import { topicVersions } from '../../event-versions/lines.ts';
import { topicOf } from '../../messaging/cloud-event.ts';
import type { EventDefinition } from '../../messaging/event.ts';
import type { Database } from '../../platform/database.ts';
import { sqlJoin } from '../../platform/sql.ts';
import { testWire } from './activities.ts';

const tenantId = randomUUID();

export function versioned(database: Database) {
  const name = `Test${randomUUID().slice(0, 8)}`;
  const of = (version: number): EventDefinition => ({
    name,
    entity: name,
    version,
    topicVersion: `v${version}`,
    scope: 'public',
    key: ['tenantId', 'testId'],
    subject: 'testId',
    description: 'For a test.',
  });
  const [first, second] = [of(1), of(2)];
  const [v1, v2] = [topicOf(first, testWire.environment), topicOf(second, testWire.environment)];
  const event = {
    definition: second,
    earlier: [
      {
        definition: first,
        of: ({ n }: { n: number }) => ({ n }),
        later: ({ n }: { n: number }, before: { n: number } | null) => ({ n, more: true, before: before?.n ?? null }),
      },
    ],
  };
  const rowsOf = (testId: string, n: number) => {
    const context = { time: new Date().toISOString(), causationId: 'test', actor: 'ann' };
    return outboxRows(event, { tenantId, testId }, { n, more: true }, context, testWire);
  };
  const versions = topicVersions([event], testWire.environment);
  const [earlier, later] = versions;
  if (!earlier || !later) throw new Error('There is no later version.');
  return {
    v1,
    v2,
    tenantId,
    version: later satisfies TopicVersion,
    versions: { all: versions, first: earlier },
    write: (testId: string, ...told: number[]) =>
      database.$executeRaw`
        WITH ${sqlJoin(insertEvents(told.flatMap((n) => rowsOf(testId, n))), ', ')} SELECT 1`,
    stage: async (topic: string, stage: string, sunset: string | null = null) => {
      await database.$executeRaw`
        INSERT INTO event_versions (tenant_id, id, topic, stage, sunset, version, created_at, updated_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), ${topic}, ${stage}, ${sunset}::date, 1, now(), now())
        ON CONFLICT (topic) DO UPDATE SET stage = excluded.stage, sunset = excluded.sunset`;
    },
    written: async (topic: string, testId: string) => {
      const rows = await database.outboxEvent.findMany({
        where: { stream: `${topic}|${tenantId}|${testId}` },
        orderBy: { position: 'asc' },
      });
      return rows.map(({ sequence, headers, value }) => ({
        sequence: Number(sequence),
        n: (JSON.parse(value) as { n: number }).n,
        value,
        headers: JSON.parse(headers) as Record<string, string>,
      }));
    },
  };
}
