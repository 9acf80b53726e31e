/**
 * Reads topics with kafkajs, as a consumer group. An offset is committed after the transaction of its record.
 *
 * Batches, not `eachMessage`: an error thrown there stops every partition, and after some of them the consumer. Here a
 * record that cannot be handled is handed in again after a pause, and only its partition waits.
 */
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { type CatchUpOptions, type CaughtUp, catchUp } from './catch-up.ts';
import { type RestOptions, missingEvents } from './missing-events.ts';
import { type Subscriber, type SubscriberOptions, createSubscriber } from './subscriber.ts';

export interface ConsumerOptions extends Omit<SubscriberOptions, 'consumer' | 'missing'> {
  kafka: Kafka;
  /** Also the name in the inbox. */
  groupId: string;
  topics: readonly string[];
  /** Where events that were missed are read. */
  rest: RestOptions;
  /** How long a record is handed in again before the consumer ends with its error; five minutes when absent. */
  giveUpAfterMs?: number;
  /** Tells that a record could not be handled yet. */
  onRetry?: (error: unknown, place: RecordPlace) => void;
  partitionsAtOnce?: number;
}

export interface RecordPlace {
  topic: string;
  partition: number;
  offset: string;
}

export interface RunningConsumer {
  /** Resolves after `stop`; rejects with why the consumer cannot go on. */
  ended: Promise<void>;
  /** Reads a topic of the consumer from the service, beside Kafka: at its first start, and after a long outage. */
  catchUp: (options: CatchUpOptions) => Promise<CaughtUp>;
  /** After the record that is being handled. */
  stop: () => Promise<void>;
}

const GIVE_UP_AFTER_MS = 5 * 60_000;
const HAND_IN_AGAIN_AFTER_MS = 1_000;
/** A partition that was paused is read with the next fetch: one that waits for records must not take long. */
const FETCH_WAIT_MS = 1_000;
/** Also while a record is being handled: what takes long must not look like a dead consumer. */
const HEARTBEAT_EVERY_MS = 3_000;

/** Resolves when the consumer runs. */
export async function runConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const { kafka, groupId, topics, rest, partitionsAtOnce = 1 } = options;
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: FETCH_WAIT_MS });
  const subscriber = createSubscriber({ ...options, consumer: groupId, missing: missingEvents(rest) });
  const patience = createPatience(options.giveUpAfterMs ?? GIVE_UP_AFTER_MS);
  let [resolve, reject] = [() => {}, (_error: unknown) => {}];
  const ended = new Promise<void>((...settle) => ([resolve, reject] = settle));
  const fail = (error: unknown) => {
    reject(error);
    void consumer.disconnect().catch(() => undefined);
  };
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) fail(error);
  });
  await consumer.connect();
  // A stream begins at 1: what is older than the committed offset is known, and what Kafka has deleted is missing.
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: partitionsAtOnce,
    eachBatchAutoResolve: false,
    eachBatch: (payload) =>
      handleBatch(payload, subscriber, (error, place) => {
        options.onRetry?.(error, place);
        if (patience.isOver(place)) fail(error);
      }),
  });
  return {
    ended,
    catchUp: (from) => catchUp(subscriber, rest, from),
    stop: async () => {
      await consumer.disconnect();
      resolve();
    },
  };
}

async function handleBatch(
  { batch: { topic, partition, messages }, ...run }: EachBatchPayload,
  { receive }: Subscriber,
  onFailure: (error: unknown, place: RecordPlace) => void,
): Promise<void> {
  // That the group is being shared out anew shows at the heartbeat below.
  const beat = setInterval(() => void run.heartbeat().catch(() => undefined), HEARTBEAT_EVERY_MS);
  try {
    for (const { offset, key, value, headers = {} } of messages) {
      if (!run.isRunning() || run.isStale()) return;
      try {
        await receive({ topic, key, value, headers });
      } catch (error) {
        onFailure(error, { topic, partition, offset });
        setTimeout(run.pause(), HAND_IN_AGAIN_AFTER_MS);
        return;
      }
      run.resolveOffset(offset);
      await run.heartbeat();
    }
  } finally {
    clearInterval(beat);
  }
}

/** Since when a partition waits for the same record. */
function createPatience(limitMs: number) {
  const waiting = new Map<string, { offset: string; since: number }>();
  return {
    isOver: ({ topic, partition, offset }: RecordPlace): boolean => {
      const place = `${topic}|${partition}`;
      const known = waiting.get(place);
      const since = known?.offset === offset ? known.since : Date.now();
      waiting.set(place, { offset, since });
      return Date.now() - since >= limitMs;
    },
  };
}
