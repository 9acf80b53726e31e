/** Kafka through kafkajs: nothing but this file and kafka-log.ts knows that library. */
import { Mutex } from 'async-mutex';
import kafkajs, {
  type Consumer,
  type EachBatchPayload,
  type IHeaders,
  type Kafka,
  type Producer,
  type logLevel as LogLevel,
} from 'kafkajs';
import { type EventSink, RefusedByBroker, type StoredEvent } from '../messaging/event-sink.ts';
import type { EventSource, HandleRecord } from '../messaging/event-source.ts';
import type { Config } from './config.ts';
import { faultPoint } from './fault-points.ts';
import type { Logger } from './logger.ts';

export type KafkaSettings = Pick<
  Config,
  | 'KAFKA_BROKERS'
  | 'KAFKA_TLS'
  | 'KAFKA_SASL_MECHANISM'
  | 'KAFKA_SASL_USERNAME'
  | 'KAFKA_SASL_PASSWORD'
  | 'KAFKA_TOPIC_PARTITIONS'
  | 'KAFKA_TOPIC_REPLICATION'
>;

const CONNECT_LIMIT_MS = 3_000;
const REQUEST_LIMIT_MS = 5_000;
const SEND_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 2_000;

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

/** `retries` are kafkajs's own: none for the relay, whose retries are Temporal's. */
export function createKafka(settings: KafkaSettings, logger: Logger, { retries = 0 } = {}): Kafka {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  return new kafkajs.Kafka({
    clientId: 'billing',
    brokers: settings.KAFKA_BROKERS,
    connectionTimeout: CONNECT_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    enforceRequestTimeout: true,
    ssl: settings.KAFKA_TLS,
    ...(mechanism && username && password ? { sasl: { mechanism: mechanism as 'plain', username, password } } : {}),
    retry: { retries, maxRetryTime: RETRY_PAUSE_MAX_MS },
    logCreator:
      () =>
      ({ level, namespace, log }) => {
        const { message, error } = log;
        logger[levels[level] ?? 'debug']({ kafka: namespace, error }, message);
      },
  });
}

// kafkajs says ERROR for what is retried anyway (a coordinator that is still loading): none of it is ours to alarm.
const levels: Partial<Record<LogLevel, 'warn' | 'debug'>> = { 1: 'warn', 2: 'warn' };

/**
 * The sink for events. One send is outstanding at a time, whoever sends, and the producer is replaced after any failure,
 * so that nothing of a send that was given up can arrive behind a later one without its being sent again.
 */
export function createEventSink(kafka: Kafka, topics: readonly string[], settings: KafkaSettings): EventSink {
  const one = new Mutex();
  let producer: Producer | undefined;

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
    await within(CONNECT_LIMIT_MS * 2, 'connecting to Kafka', fresh.connect());
    producer = fresh;
    return fresh;
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
    close: () => one.runExclusive(drop),
  };
}

/** A record without an answer must not keep other partitions waiting. */
const PARTITIONS_AT_ONCE = 6;
const RECONNECT_AFTER_MS = 3_000;
const HAND_IN_AGAIN_AFTER_MS = 1_000;
/** A consumer that dies keeps its partitions for so long; one that lives says so also while it handles a record. */
const SESSION_MS = 12_000;
const REBALANCE_MS = 15_000;
/** Also while a record is being handled: what takes long must not look like a dead consumer. */
const HEARTBEAT_EVERY_MS = 3_000;
/** kafkajs waits up to half a minute by default: too long after an outage. */
const RETRY_PAUSE_MAX_MS = 2_000;
/** A coordinator that is still loading says no a few times; see also openLater. */
export const CONSUMER_RETRIES = 10;

/**
 * Reads topics as a consumer group and hands every record in, in the order of its partition. An offset is committed
 * only after its record was handled. A record whose handling fails is handed in again; only its partition waits.
 */
export function createEventSource(
  kafka: Kafka,
  settings: KafkaSettings,
  {
    groupId,
    topics,
    handle,
    logger,
  }: { groupId: string; topics: readonly string[]; handle: HandleRecord; logger: Logger },
): EventSource {
  let consumer: Consumer | undefined;
  let stopped = false;
  let again: NodeJS.Timeout | undefined;

  async function open(): Promise<void> {
    await ensureTopics(kafka, topics, settings);
    await close();
    consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: REBALANCE_MS,
      retry: { retries: CONSUMER_RETRIES, maxRetryTime: RETRY_PAUSE_MAX_MS, restartOnFailure: async () => false },
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => openLater(payload.error));
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatchAutoResolve: false,
      eachBatch: handleBatch,
    });
  }

  /**
   * Until the first record that cannot be handled: that one is read again after a pause. An error thrown to kafkajs
   * would stop every partition, and after some of them the consumer.
   */
  async function handleBatch({ batch, ...run }: EachBatchPayload): Promise<void> {
    // A group that is being shared out anew shows at the next heartbeat below.
    const beat = setInterval(() => void run.heartbeat().catch(() => undefined), HEARTBEAT_EVERY_MS);
    try {
      await handleRecords(batch, run);
    } finally {
      clearInterval(beat);
    }
  }

  async function handleRecords(
    { topic, partition, messages }: EachBatchPayload['batch'],
    run: Omit<EachBatchPayload, 'batch'>,
  ): Promise<void> {
    for (const { offset, key, value, headers: raw } of messages) {
      if (stopped || !run.isRunning() || run.isStale()) return;
      const headers = headersOf(raw);
      try {
        await handle({ topic, partition, offset: BigInt(offset), key, value, headers });
      } catch (error) {
        const context = { err: error, topic, partition, offset };
        logger.warn(context, 'a record could not be handled yet, it is handed in again');
        setTimeout(run.pause(), HAND_IN_AGAIN_AFTER_MS).unref();
        return;
      }
      faultPoint('after-effect');
      run.resolveOffset(offset);
      await run.heartbeat();
      await run.commitOffsetsIfNecessary();
    }
  }

  async function close(): Promise<void> {
    const old = consumer;
    consumer = undefined;
    if (old) await within(CLOSE_LIMIT_MS * 5, 'closing the consumer', old.disconnect()).catch(() => undefined);
  }

  /** However reading ended, it begins again: with a new consumer, at the committed offsets. */
  function openLater(error: unknown): void {
    logger.warn({ err: error }, 'reading from Kafka ended, it begins again');
    clearTimeout(again);
    if (!stopped) again = setTimeout(() => void open().catch(openLater), RECONNECT_AFTER_MS);
  }

  void open().catch(openLater);
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(again);
      await close();
    },
  };
}

/**
 * Each header as one text. Bytes that are no UTF-8 show as U+FFFD, and a header that says several things has a line for
 * each: a reader must not take the one or the other for a name. No value at all is an empty text.
 */
export const headersOf = (raw: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(raw ?? {}).map(([name, values]) => [name, oneText([values].flat())]));

const oneText = (values: readonly (Buffer | string | null | undefined)[]): string =>
  [...new Set(values.map((value) => value?.toString() ?? ''))].join('\n');

/** Makes the topics that are missing. Existing ones keep their partitions. */
async function ensureTopics(kafka: Kafka, topics: readonly string[], settings: KafkaSettings): Promise<void> {
  const admin = kafka.admin();
  try {
    await within(CONNECT_LIMIT_MS * 2, 'connecting to Kafka', admin.connect());
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic));
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: true,
      timeout: REQUEST_LIMIT_MS,
      topics: missing.map((topic) => ({
        topic,
        numPartitions: settings.KAFKA_TOPIC_PARTITIONS,
        replicationFactor: settings.KAFKA_TOPIC_REPLICATION,
      })),
    });
  } finally {
    await within(CLOSE_LIMIT_MS, 'closing the admin client', admin.disconnect()).catch(() => undefined);
  }
}

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

async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
