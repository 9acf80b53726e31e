/** Events to Kafka. */
import { Mutex } from 'async-mutex';
import kafkajs, { type Kafka, type PartitionMetadata, type Producer } from 'kafkajs';
import { type EventSink, RefusedByBroker, type StoredEvent } from '../messaging/event-sink.ts';
import { faultPoint } from './fault-points.ts';
import {
  CLOSE_LIMIT_MS,
  CONNECT_LIMIT_MS,
  type KafkaSettings,
  REQUEST_LIMIT_MS,
  ensureTopics,
  within,
} from './kafka.ts';

const SEND_LIMIT_MS = 10_000;

/** Sent again, these would be refused again. Anything else may pass: the broker is away or busy. */
const REFUSED_FOR_GOOD = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);

/**
 * The sink for events. One send is outstanding at a time, whoever sends, and the producer is replaced after any
 * failure, so that nothing of a send that was given up can arrive behind a later one without its being sent again.
 */
export function createEventSink(kafka: Kafka, topics: readonly string[], settings: KafkaSettings): EventSink {
  const one = new Mutex();
  let producer: Producer | undefined;
  /** How many partitions a topic has, as far as it was asked for; one that is not there has none. */
  const partitions = new Map<string, number>();

  async function prepare(): Promise<Producer> {
    if (producer) return producer;
    await ensureTopics(kafka, topics, settings);
    const fresh = kafka.producer({
      // kafkajs's idempotent producer goes on retrying a send that was given up; ids make duplicates harmless.
      idempotent: false,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: { retries: 0 },
    });
    await within(CONNECT_LIMIT_MS, 'connecting to Kafka', fresh.connect());
    producer = fresh;
    return fresh;
  }

  async function askForPartitions(names: readonly string[]): Promise<void> {
    const admin = kafka.admin();
    try {
      await within(CONNECT_LIMIT_MS, 'connecting to Kafka', admin.connect());
      const existing = await within(REQUEST_LIMIT_MS, 'listing topics', admin.listTopics());
      const known = names.filter((name) => existing.includes(name));
      const asked = admin.fetchTopicMetadata({ topics: known });
      const { topics: found } = await within(REQUEST_LIMIT_MS, 'asking for partitions', asked);
      for (const name of names) partitions.set(name, 0);
      for (const { name, partitions: there } of found) partitions.set(name, there.length);
    } finally {
      await within(CLOSE_LIMIT_MS, 'closing the admin client', admin.disconnect()).catch(() => undefined);
    }
  }

  async function partsOf(events: readonly StoredEvent[]): Promise<Map<string, StoredEvent[]>> {
    const unknown = [...new Set(events.map(({ topic }) => topic))].filter((topic) => !partitions.get(topic));
    if (unknown.length > 0) await askForPartitions(unknown);
    const parts = new Map<string, StoredEvent[]>();
    for (const event of events) {
      const count = partitions.get(event.topic) ?? 0;
      const name = count === 0 ? event.topic : `${event.topic}/${partitionOf(event, count)}`;
      parts.set(name, [...(parts.get(name) ?? []), event]);
    }
    return parts;
  }

  async function drop(): Promise<void> {
    const old = producer;
    producer = undefined;
    if (old) await within(CLOSE_LIMIT_MS, 'closing the producer', old.disconnect()).catch(() => undefined);
  }

  async function send(events: readonly StoredEvent[]): Promise<void> {
    try {
      const open = await prepare();
      await within(
        SEND_LIMIT_MS,
        'sending to Kafka',
        open.sendBatch({ acks: -1, timeout: REQUEST_LIMIT_MS, topicMessages: byTopic(events) }),
      );
      faultPoint('after-send');
    } catch (error) {
      await drop();
      const refusedType = refusalType(error);
      if (refusedType) throw new RefusedByBroker(refusedType, { cause: error });
      throw error;
    }
  }

  return {
    prepare: () => one.runExclusive(async () => void (await prepare())),
    send: (events) => one.runExclusive(() => send(events)),
    partsOf: (events) => one.runExclusive(() => partsOf(events)),
    close: () => one.runExclusive(drop),
  };
}

const partition = kafkajs.Partitioners.DefaultPartitioner();

/** As the producer chooses it. */
const partitionOf = ({ topic, partitionKey }: StoredEvent, count: number): number =>
  partition({
    topic,
    partitionMetadata: Array.from({ length: count }, (_, partitionId) => ({ partitionId })) as PartitionMetadata[],
    message: { key: partitionKey, value: null },
  });

function byTopic(events: readonly StoredEvent[]) {
  const topics = new Map<string, { key: string; value: string; headers: Record<string, string> }[]>();
  for (const { topic, partitionKey, headers, value } of events) {
    const messages = topics.get(topic) ?? [];
    messages.push({ key: partitionKey, value, headers: JSON.parse(headers) as Record<string, string> });
    topics.set(topic, messages);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}

/** The broker's error code when it refused for good, looked for through the errors that wrap it. */
function refusalType(error: unknown): string | undefined {
  for (
    let at = error as ErrorChain | undefined, depth = 0;
    at && depth < 5;
    at = at.cause ?? at.originalError, depth += 1
  ) {
    if (at.type && REFUSED_FOR_GOOD.has(at.type)) return at.type;
  }
  return undefined;
}

interface ErrorChain {
  type?: string;
  cause?: ErrorChain;
  originalError?: ErrorChain;
}
