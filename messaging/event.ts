/**
 * An integration event: one definition each. Topics, partition keys, wire types, JSON Schemas and the published
 * documentation are computed from it; nothing about an event is written twice.
 *
 * An event is a contract with other services. It is a snapshot, named in the past tense; a change that a subscriber
 * could notice is a new version beside the old one.
 */
import type { z } from 'zod';
import type { TopicParts } from './topics.ts';

/** What partition keys and subjects are made of: ids of entities, and the day of a business day. */
export type EventIds = Readonly<Record<string, string>>;

export interface EventDefinition<Data = unknown> extends TopicParts {
  /** Of two versions of an event, both have its name. */
  name: string;
  version: number;
  /** The parts of the partition key, in this order, tenant first. Without it the key is the event's id. */
  key?: readonly string[];
  /** The part that names what the event is about. */
  subject: string;
  /**
   * It has no topic and key of its own: it is sent in another event's place, under that one's topic, key and sequence.
   */
  inPlaceOfAnother?: true;
  /** What the data must look like. Without it nobody can handle the event. */
  schema?: () => z.ZodType<Data>;
  description: string;
  /** Data as it can come; without it, made of the examples of the schema. */
  example?: () => Data;
}

/**
 * How a version tells what the version after it tells, where both are published: old shapes are derived from new ones.
 * Both are pure.
 */
export interface EarlierVersion {
  definition: EventDefinition;
  /** Its data, of that of the version after it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each takes what the other gives
  of: (later: any) => unknown;
  /**
   * The data of the version after it, of its own and of what was told before on the same stream; null when that is not
   * known any more. For a topic that opens when there are events already.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- each takes what the other gives
  later: (data: any, before: any) => unknown;
}

/** An event as it is told, in the versions that there are of it. Which are published is decided by people. */
export interface VersionedEvent {
  /** Of the newest version. */
  definition: EventDefinition;
  /** The versions before it, the newest first. */
  earlier?: readonly EarlierVersion[];
}

/** The first version first. */
export const versionsOf = ({ definition, earlier = [] }: VersionedEvent): EventDefinition[] =>
  [definition, ...earlier.map((one) => one.definition)].toReversed();

/** The data of an event, as its schema reads it. */
export type DataOf<E> = E extends { schema: () => infer S extends z.ZodType } ? z.output<S> : never;
