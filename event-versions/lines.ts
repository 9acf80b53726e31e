/** Which versions there are of which topics: computed from the events that are told in several. */
import { v5 as uuidv5 } from 'uuid';
import { eventType, topicOf } from '../messaging/cloud-event.ts';
import { type EarlierVersion, type EventDefinition, type VersionedEvent, versionsOf } from '../messaging/event.ts';

/** How an event of the version before becomes one of this one. */
export interface Upgrade {
  definition: EventDefinition;
  later: EarlierVersion['later'];
}

/** One version of a topic. */
export interface TopicVersion {
  topic: string;
  /** Of its row, which follows from the topic. */
  id: string;
  /** The topics of the version before and after; null for the first and the last. */
  before: string | null;
  after: string | null;
  /** By the type of the version before; empty for the first. */
  upgrades: ReadonlyMap<string, Upgrade>;
}

// Any fixed UUID would do; it only keeps our names apart from other people's.
const NAMESPACE = '6b1f7f0e-0f53-4d5c-9f0e-7f3b8c1f2a90';

/** The versions of every topic that has more than one, the first version of each first. `environment` is NODE_ENV. */
export function topicVersions(events: readonly VersionedEvent[], environment: string): TopicVersion[] {
  const lines = new Map<string, Map<string, Map<string, Upgrade>>>();
  for (const { definition, earlier = [] } of events.filter((event) => event.earlier?.length)) {
    const versions = versionsOf({ definition, earlier });
    const laterOf = new Map(earlier.map((one) => [one.definition, one.later]));
    const [first = definition] = versions;
    const line = lines.get(topicOf(first, environment)) ?? new Map<string, Map<string, Upgrade>>();
    lines.set(topicOf(first, environment), line);
    for (const [index, version] of versions.entries()) {
      const upgrades = line.get(topicOf(version, environment)) ?? new Map<string, Upgrade>();
      line.set(topicOf(version, environment), upgrades);
      const before = versions[index - 1];
      const later = before && laterOf.get(before);
      if (before && later) upgrades.set(eventType(before), { definition: version, later });
    }
  }
  return [...lines.values()].flatMap((line) => {
    const topics = [...line.keys()];
    return topics.map((topic, index) => ({
      topic,
      id: uuidv5(topic, NAMESPACE),
      before: topics[index - 1] ?? null,
      after: topics[index + 1] ?? null,
      upgrades: line.get(topic) ?? new Map<string, Upgrade>(),
    }));
  });
}
