/** Reads what is on Kafka now, once, from the oldest record on: for reports. */
import { randomUUID } from 'node:crypto';
import pDefer from 'p-defer';
import type { Admin, EachBatchPayload, Kafka } from 'kafkajs';
import { CONSUMER_RETRIES } from './kafka.ts';

export interface LogRecord {
  topic: string;
  partition: number;
  offset: bigint;
  /** Epoch ms, by the clock of who sent it. */
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

export interface LogPartition {
  topic: string;
  partition: number;
  /** The oldest record that is still there. */
  oldest: bigint;
  /** Where reading begins. */
  start: bigint;
  /** Where reading ended; later records were left. */
  end: bigint;
}

export interface LogRead {
  partitions: readonly LogPartition[];
  /** Topics that do not exist. */
  missing: readonly string[];
}

export type OnRecords = (records: readonly LogRecord[], of: LogPartition) => Promise<void>;

export interface ReadLogOptions {
  topics: readonly string[];
  /** Given records of one partition, in their order; the next ones are not read before it is done. */
  onRecords: OnRecords;
  limitMs: number;
  /** Only what was sent at this instant or later (epoch ms); everything when absent. */
  sinceMs?: number;
}

const RECORDS_AT_ONCE = 1_000;
/** Nothing waits for records that are not there yet. */
const FETCH_WAIT_MS = 100;
const SESSION_MS = 60_000;

/** Rejects when the broker is away, when `onRecords` does, or when the end was not reached within `limitMs`. */
export async function readLog(kafka: Kafka, { topics, onRecords, limitMs, sinceMs }: ReadLogOptions): Promise<LogRead> {
  const admin = kafka.admin();
  const groupId = `billing-verify-${randomUUID()}`;
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const partitions = await partitionsOf(
      admin,
      topics.filter((topic) => existing.has(topic)),
      sinceMs,
    );
    const filled = partitions.filter(({ start, end }) => end > start);
    if (filled.length > 0) await consume(kafka, groupId, filled, { onRecords, limitMs });
    return { partitions, missing: topics.filter((topic) => !existing.has(topic)) };
  } finally {
    await admin.deleteGroups([groupId]).catch(() => undefined);
    await admin.disconnect().catch(() => undefined);
  }
}

async function partitionsOf(
  admin: Admin,
  topics: readonly string[],
  sinceMs: number | undefined,
): Promise<LogPartition[]> {
  const all: LogPartition[] = [];
  for (const topic of topics) {
    const starts = new Map(
      (sinceMs === undefined ? [] : await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs)).map(
        ({ partition, offset }) => [partition, BigInt(offset)],
      ),
    );
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      const oldest = BigInt(low);
      all.push({ topic, partition, oldest, start: starts.get(partition) ?? oldest, end: BigInt(high) });
    }
  }
  return all;
}

async function consume(
  kafka: Kafka,
  groupId: string,
  partitions: readonly LogPartition[],
  { onRecords, limitMs }: Pick<ReadLogOptions, 'onRecords' | 'limitMs'>,
): Promise<void> {
  const left = new Map(partitions.map((one) => [`${one.topic}/${one.partition}`, one]));
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: SESSION_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    retry: { retries: CONSUMER_RETRIES, restartOnFailure: async () => false },
  });
  const end = pDefer<void>();
  // Who waits for it is told; that it failed before anybody waited is no fault of the process.
  end.promise.catch(() => undefined);
  const limit = setTimeout(
    () =>
      end.reject(new Error(`Kafka was not read to its end within ${limitMs} ms; ${left.size} partitions are left.`)),
    limitMs,
  );
  consumer.on(consumer.events.CRASH, ({ payload }) => end.reject(payload.error));

  async function take({ batch, ...run }: EachBatchPayload): Promise<void> {
    const place = `${batch.topic}/${batch.partition}`;
    const partition = left.get(place);
    if (!partition) return;
    const records = batch.messages
      .map((message) => recordOf(batch.topic, batch.partition, message))
      .filter(({ offset }) => offset >= partition.start && offset < partition.end);
    for (let start = 0; start < records.length; start += RECORDS_AT_ONCE) {
      await onRecords(records.slice(start, start + RECORDS_AT_ONCE), partition);
      await run.heartbeat();
    }
    if (BigInt(batch.lastOffset()) >= partition.end - 1n) left.delete(place);
    if (left.size === 0) end.resolve();
  }

  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...new Set(partitions.map(({ topic }) => topic))], fromBeginning: true });
    // An error that was thrown to kafkajs would be tried again.
    await consumer.run({ autoCommit: false, eachBatch: (payload) => take(payload).catch(end.reject) });
    for (const { topic, partition, oldest, start } of partitions)
      if (start > oldest) consumer.seek({ topic, partition, offset: String(start) });
    await end.promise;
  } finally {
    clearTimeout(limit);
    await consumer.disconnect().catch(() => undefined);
  }
}

const recordOf = (
  topic: string,
  partition: number,
  { offset, timestamp, key, value, headers }: EachBatchPayload['batch']['messages'][number],
): LogRecord => ({
  topic,
  partition,
  offset: BigInt(offset),
  timestamp: Number(timestamp),
  key,
  value,
  headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)])),
});
