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
  /** The other way: how an event of this version was told in the version before, by its own type. */
  downgrades: ReadonlyMap<string, Upgrade>;
}

/** The version before as one that is made of this one: what it lacks is filled in from this one. */
export const mirrored = ({ topic, id, before, upgrades, downgrades }: TopicVersion): TopicVersion => ({
  topic: before ?? topic,
  id,
  before: topic,
  after: null,
  upgrades: downgrades,
  downgrades: upgrades,
});

interface Changes {
  upgrades: Map<string, Upgrade>;
  downgrades: Map<string, Upgrade>;
}

// Any fixed UUID would do; it only keeps our names apart from other people's.
const NAMESPACE = '6b1f7f0e-0f53-4d5c-9f0e-7f3b8c1f2a90';

/** The versions of every topic that has more than one, the first version of each first. `environment` is NODE_ENV. */
export function topicVersions(events: readonly VersionedEvent[], environment: string): TopicVersion[] {
  const lines = new Map<string, Map<string, Changes>>();
  for (const { definition, earlier = [] } of events.filter((event) => event.earlier?.length)) {
    const versions = versionsOf({ definition, earlier });
    const earlierOf = new Map(earlier.map((one) => [one.definition, one]));
    const [first = definition] = versions;
    const line = lines.get(topicOf(first, environment)) ?? new Map<string, Changes>();
    lines.set(topicOf(first, environment), line);
    for (const [index, version] of versions.entries()) {
      const changes = line.get(topicOf(version, environment)) ?? { upgrades: new Map(), downgrades: new Map() };
      line.set(topicOf(version, environment), changes);
      const before = versions[index - 1];
      const known = before && earlierOf.get(before);
      if (!before || !known) continue;
      changes.upgrades.set(eventType(before), { definition: version, later: known.later });
      changes.downgrades.set(eventType(version), { definition: before, later: known.of });
    }
  }
  return [...lines.values()].flatMap((line) => {
    const topics = [...line.keys()];
    return topics.map((topic, index) => ({
      topic,
      id: uuidv5(topic, NAMESPACE),
      before: topics[index - 1] ?? null,
      after: topics[index + 1] ?? null,
      upgrades: line.get(topic)?.upgrades ?? new Map<string, Upgrade>(),
      downgrades: line.get(topic)?.downgrades ?? new Map<string, Upgrade>(),
    }));
  });
}
