/**
 * A subscriber of the events: reads topics from their beginning, in a group of its own. What is sent by us must fit the
 * schema that is published for its type.
 */
import { catalogue } from '../../registry/catalogue.ts';
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { ownTopics } from '../../messaging/cloud-event.ts';
import { assertPublishedEvent } from './published.ts';
import { waitFor } from './wait.ts';

/** Also after an outage that a test has made. */
const QUICKLY = { retries: 1_000, initialRetryTime: 100, maxRetryTime: 1_000 };

export interface ReadEvent {
  topic: string;
  partition: number;
  offset: number;
  key: string;
  id: string;
  type: string;
  sequence: number;
  headers: Record<string, string>;
  value: string;
  data: Record<string, never>;
}

export interface Subscriber {
  /** Everything read so far, duplicates included, of one tenant. */
  of: (tenantId: string) => ReadEvent[];
  /** The first occurrence of each event of a tenant, in the order of reading. */
  firstOf: (tenantId: string) => ReadEvent[];
  /** Waits until `count` different events of a tenant were read; fails when one of them is not as published. */
  waitForEvents: (tenantId: string, count: number, limitMs?: number) => Promise<ReadEvent[]>;
  /** Fails when an event of a tenant that was asked for is not as published. */
  stop: () => Promise<void>;
}

export async function subscribe(topics = ownTopics(catalogue, 'test')): Promise<Subscriber> {
  const { KAFKA_BROKERS = '' } = process.env;
  const kafka = new kafkajs.Kafka({
    brokers: KAFKA_BROKERS.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: QUICKLY,
  });
  const consumer = kafka.consumer({
    groupId: `test-${randomUUID()}`,
    retry: { ...QUICKLY, restartOnFailure: async () => true },
  });
  const read: ReadEvent[] = [];
  await waitFor('topics', async () => {
    const admin = kafka.admin();
    await admin.connect();
    const existing = await admin.listTopics();
    await admin.disconnect();
    return topics.every((topic) => existing.includes(topic));
  });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => {
      const headers = Object.fromEntries(
        Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      // Other tests send what is no event at all to the same topics; a subscriber passes it over.
      if (headers['ce_id'] === undefined) return;
      const value = String(message.value);
      read.push({
        topic,
        partition,
        headers,
        value,
        offset: Number(message.offset),
        key: String(message.key),
        id: headers['ce_id'] ?? '',
        type: headers['ce_type'] ?? '',
        sequence: Number(headers['ce_sequence']),
        data: parsed(value),
      });
    },
  });
  // Of these only: on the topics are also the events of tests that spoil them.
  const asked = new Set<string>();
  const of = (tenantId: string) => {
    asked.add(tenantId);
    return read.filter(({ headers }) => headers['ce_tenantid'] === tenantId);
  };
  const firstOf = (tenantId: string) => {
    const seen = new Set<string>();
    return of(tenantId).filter(({ id }) => !seen.has(id) && seen.add(id));
  };
  return {
    of,
    firstOf,
    waitForEvents: async (tenantId, count, limitMs) => {
      const events = await waitFor(
        `${count} events`,
        async () => (firstOf(tenantId).length >= count ? firstOf(tenantId) : undefined),
        limitMs,
      );
      assertAsPublished(events);
      return events;
    },
    stop: async () => {
      await consumer.disconnect();
      for (const tenantId of asked) assertAsPublished(of(tenantId));
    },
  };
}

const OURS = /^\/billing\//;

/** Throws when an event of ours does not fit the schema that is published for its type. */
function assertAsPublished(events: readonly ReadEvent[]): void {
  for (const { headers, type, data } of events) {
    if (OURS.test(headers['ce_source'] ?? '')) assertPublishedEvent(type, data);
  }
}

/** The data of an event, or nothing where a test has sent an event whose data cannot be read. */
function parsed(value: string): Record<string, never> {
  try {
    return JSON.parse(value) as Record<string, never>;
  } catch {
    return {};
  }
}

/** The sequences of every stream (key on topic), in the order in which they were first read. */
export function sequencesByStream(events: readonly ReadEvent[]): Map<string, number[]> {
  const streams = new Map<string, number[]>();
  for (const { topic, key, sequence } of events) {
    const stream = `${topic}|${key}`;
    streams.set(stream, [...(streams.get(stream) ?? []), sequence]);
  }
  return streams;
}
