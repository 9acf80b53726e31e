/** Sets a consumer group back in time, while none of it is reading. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';

/** One that died is counted for as long as its session lasts. */
const EMPTY_WITHIN_MS = 30_000;
const POLL_MS = 500;
const NOBODY: ReadonlySet<string> = new Set(['Empty', 'Dead']);

/** A consumer of the group is reading. */
export class GroupIsReading extends Error {}

/**
 * What was sent to the topics at the instant (epoch ms) or later is read again; who is behind it stays there. Throws a
 * GroupIsReading while a consumer of the group is working.
 */
export async function rewindGroup(
  kafka: Kafka,
  { groupId, topics, sinceMs }: { groupId: string; topics: readonly string[]; sinceMs: number },
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await untilNobodyReads(admin, groupId);
    const existing = new Set(await admin.listTopics());
    for (const topic of topics.filter((name) => existing.has(name))) {
      const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const reached = new Map(committed?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
      const back = (await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs)).filter(
        ({ partition, offset }) => BigInt(offset) < (reached.get(partition) ?? 0n),
      );
      if (back.length > 0) await admin.setOffsets({ groupId, topic, partitions: back });
    }
  } finally {
    await admin.disconnect();
  }
}

async function untilNobodyReads(admin: Admin, groupId: string): Promise<void> {
  const until = performance.now() + EMPTY_WITHIN_MS;
  for (;;) {
    const [group] = (await admin.describeGroups([groupId])).groups;
    if (!group || NOBODY.has(group.state)) return;
    if (performance.now() > until)
      throw new GroupIsReading(`Consumers of the group ${groupId} are reading: the service must be stopped.`);
    await pause(POLL_MS);
  }
}
