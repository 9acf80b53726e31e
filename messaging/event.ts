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
}

/** The data of an event, as its schema reads it. */
export type DataOf<E> = E extends { schema: () => infer S extends z.ZodType } ? z.output<S> : never;
