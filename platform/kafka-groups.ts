/** Which consumer groups read a topic, as Kafka knows it now. */
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { CLOSE_LIMIT_MS, CONNECT_LIMIT_MS, within } from './kafka.ts';

/** A group that has committed offsets on the topic, or has a member that reads it. */
export interface ReadingGroup {
  groupId: string;
  /** The sum of its committed offsets. */
  committed: bigint;
  /** Records behind its offsets. */
  lag: bigint;
  /** Members that read the topic now. */
  members: number;
}

export type ReadingGroups = (topic: string) => Promise<ReadingGroup[]>;

/** Groups that are asked for at once. */
const AT_ONCE = 8;
const LOOK_LIMIT_MS = 30_000;
const NO_OFFSET = '-1';

/** Rejects when the broker is away or does not answer in time; a topic that is not there has no readers. */
export const createReadingGroups =
  (kafka: Kafka): ReadingGroups =>
  async (topic) => {
    const admin = kafka.admin();
    try {
      await within(CONNECT_LIMIT_MS, 'connecting to Kafka', admin.connect());
      return await within(LOOK_LIMIT_MS, 'asking for the readers of a topic', readingGroups(admin, topic));
    } finally {
      await within(CLOSE_LIMIT_MS, 'closing the admin client', admin.disconnect()).catch(() => undefined);
    }
  };

async function readingGroups(admin: Admin, topic: string): Promise<ReadingGroup[]> {
  if (!(await admin.listTopics()).includes(topic)) return [];
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map((one) => [one.partition, one]));
  const { groups } = await admin.listGroups();
  const ids = groups.filter(({ protocolType }) => protocolType === 'consumer').map(({ groupId }) => groupId);
  const found: ReadingGroup[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE);
    const members = await membersOf(admin, some, topic);
    const committed = await Promise.all(
      some.map(async (groupId) => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions ?? []),
    );
    for (const [index, groupId] of some.entries()) {
      const offsets = (committed[index] ?? []).filter(({ offset }) => offset !== NO_OFFSET);
      const reading = members.get(groupId) ?? 0;
      if (offsets.length === 0 && reading === 0) continue;
      const at = new Map(offsets.map(({ partition, offset }) => [partition, BigInt(offset)]));
      let [sum, lag] = [0n, 0n];
      for (const [partition, { low, high }] of ends) {
        sum += at.get(partition) ?? 0n;
        // Before what retention has deleted there is nothing that it could still read.
        const next = [at.get(partition) ?? 0n, BigInt(low)].reduce((one, other) => (one > other ? one : other));
        if (BigInt(high) > next) lag += BigInt(high) - next;
      }
      found.push({ groupId, committed: sum, lag, members: reading });
    }
  }
  return found;
}

/** How many members of each group read the topic. */
async function membersOf(admin: Admin, groupIds: readonly string[], topic: string): Promise<Map<string, number>> {
  const { groups } = await admin.describeGroups([...groupIds]);
  return new Map(
    groups.map(({ groupId, members }) => [
      groupId,
      members.filter(({ memberMetadata }) => topicsIn(memberMetadata).includes(topic)).length,
    ]),
  );
}

/** None of a member that is still joining, or that says it in a way of its own. */
function topicsIn(metadata: Buffer): readonly string[] {
  if (metadata.length === 0) return [];
  try {
    return kafkajs.AssignerProtocol.MemberMetadata.decode(metadata)?.topics ?? [];
  } catch {
    return [];
  }
}
