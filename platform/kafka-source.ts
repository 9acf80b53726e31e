/** Records from Kafka. */
import type { Consumer, EachBatchPayload, IHeaders, Kafka } from 'kafkajs';
import type { EventSource, HandleRecord } from '../messaging/event-source.ts';
import { faultPoint } from './fault-points.ts';
import {
  CLOSE_LIMIT_MS,
  CONSUMER_RETRIES,
  type KafkaSettings,
  RETRY_PAUSE_MAX_MS,
  ensureTopics,
  within,
} from './kafka.ts';
import type { Logger } from './logger.ts';

/** A record without an answer must not keep other partitions waiting. */
const PARTITIONS_AT_ONCE = 6;
const RECONNECT_AFTER_MS = 3_000;
const HAND_IN_AGAIN_AFTER_MS = 1_000;
/** A consumer that dies keeps its partitions for so long; one that lives says so also while it handles a record. */
const SESSION_MS = 12_000;
const REBALANCE_MS = 15_000;
/** Also while a record is being handled: what takes long must not look like a dead consumer. */
const HEARTBEAT_EVERY_MS = 3_000;
export interface EventSourceOptions {
  groupId: string;
  topics: readonly string[];
  handle: HandleRecord;
  logger: Logger;
}

/**
 * Reads topics as a consumer group and hands every record in, in the order of its partition. An offset is committed
 * only after its record was handled. A record whose handling fails is handed in again; only its partition waits.
 */
export function createEventSource(kafka: Kafka, settings: KafkaSettings, options: EventSourceOptions): EventSource {
  const { groupId, topics, logger } = options;
  const stopping = new AbortController();
  let consumer: Consumer | undefined;
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
      eachBatch: (payload) => handleBatch(payload, options, stopping.signal),
    });
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
    if (!stopping.signal.aborted) again = setTimeout(() => void open().catch(openLater), RECONNECT_AFTER_MS);
  }

  void open().catch(openLater);
  return {
    stop: async () => {
      stopping.abort();
      clearTimeout(again);
      await close();
    },
  };
}

/**
 * Until the first record that cannot be handled: that one is read again after a pause. An error thrown to kafkajs
 * would stop every partition, and after some of them the consumer.
 */
async function handleBatch(
  { batch: { topic, partition, messages }, ...run }: EachBatchPayload,
  { handle, logger }: EventSourceOptions,
  stopping: AbortSignal,
): Promise<void> {
  // A group that is being shared out anew shows at the next heartbeat below.
  const beat = setInterval(() => void run.heartbeat().catch(() => undefined), HEARTBEAT_EVERY_MS);
  try {
    for (const { offset, key, value, headers: raw } of messages) {
      if (stopping.aborted || !run.isRunning() || run.isStale()) return;
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
  } finally {
    clearInterval(beat);
  }
}

/**
 * Each header as one text. Bytes that are no UTF-8 show as U+FFFD, and a header that says several things has a line for
 * each: a reader must not take the one or the other for a name. No value at all is an empty text.
 */
export const headersOf = (raw: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(raw ?? {}).map(([name, values]) => [name, oneText([values].flat())]));

const oneText = (values: readonly (Buffer | string | null | undefined)[]): string =>
  [...new Set(values.map((value) => value?.toString() ?? ''))].join('\n');
