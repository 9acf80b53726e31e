/**
 * Sends a replay's next events.
 *
 * Always true:
 * 1. They go to the subscriber's topic alone, with the key, the headers and the bytes that they have; two headers more
 *    say which replay it is, and of which topic their sequence is.
 * 2. How far it is, is stored after Kafka has acknowledged it. A crash in between sends the same again: at least once,
 *    and in order for each key.
 * 3. An event that Kafka refuses for good ends the replay, which says so: the next one may begin with it.
 */
import type { Database } from '../platform/database.ts';
import { EVENT_BYTES_MAX, type EventSink, RefusedByBroker, type StoredEvent } from '../messaging/event-sink.ts';
import {
  type FeedEvent,
  type Place,
  feedState,
  isOverBefore,
  missingBefore,
  readFeed,
} from '../messaging/event-feed.ts';
import { type TopicDeps, filterOf } from './range.ts';
import { type ReplayRow, requestOf } from './rows.ts';

export interface PieceDeps extends TopicDeps {
  database: Database;
}

const BATCH_MAX = 200;
const READ_LIMIT_MS = 300;

/** What there is to do for a replay that runs: how many events it sent, and whether there may be more at once. */
export interface Sent {
  events: number;
  /** Nothing to send now: what was being written when it was asked for is waited for. */
  waits: boolean;
}

/** Sends one batch, or ends the replay. Rejects when Kafka or Postgres is away. */
export async function sendBatch(deps: PieceDeps, sink: EventSink, replay: ReplayRow): Promise<Sent> {
  const { database } = deps;
  const range = { ...requestOf(replay), tenantId: replay.tenantId, ...timesOf(replay) };
  const filter = filterOf(deps, range);
  const after: Place = { transactionId: replay.transactionId, position: replay.position };
  if ((await feedState(database, replay.tenantId)).epoch !== replay.epoch) {
    await end(database, replay, 'stopped', 'The database was restored from a backup: ask for it again.');
    return NOTHING;
  }
  // Asked before the page is read: then the page has everything.
  const isOver = await isOverBefore(database, replay.endTransactionId);
  const page = await readFeed(database, filter, after, {
    limit: Math.min(replay.rate, BATCH_MAX),
    limitMs: READ_LIMIT_MS,
    bytesMax: EVENT_BYTES_MAX,
  });
  // Asked after the page was read: retention may have deleted what was still to be sent.
  const state = await feedState(database, replay.tenantId);
  const missing = missingBefore(state, after, replay.recordedFrom?.toISOString()) ?? undefined;
  const sent = await sendInOrder(sink, replay, page.events);
  const last = page.events[sent.count - 1];
  const isWhole = sent.refused === undefined;
  await advance(database, replay, isWhole ? page.next : (last ?? after), {
    sent: { increment: sent.count },
    ...(last ? { sentThrough: last.recordedAt } : {}),
    ...(missing ? { missingBefore: missing } : {}),
  });
  if (!isWhole) await end(database, replay, 'refused', sent.refused);
  else if (page.isEnd && isOver) await end(database, replay, 'completed', null);
  return { events: sent.count, waits: isWhole && page.isEnd && !isOver };
}

const timesOf = ({ recordedFrom, recordedBefore }: ReplayRow) => ({ recordedFrom, recordedBefore });

const NOTHING: Sent = { events: 0, waits: false };

/** How many were acknowledged, and why the next one was not when Kafka refuses it for good. */
async function sendInOrder(
  sink: EventSink,
  replay: ReplayRow,
  events: readonly FeedEvent[],
): Promise<{ count: number; refused?: string }> {
  const records = events.map((event) => recordOf(replay, event));
  if (records.length === 0) return { count: 0 };
  try {
    await sink.send(records);
    return { count: records.length };
  } catch (error) {
    if (!(error instanceof RefusedByBroker)) throw error;
    return oneByOne(sink, events, records);
  }
}

async function oneByOne(sink: EventSink, events: readonly FeedEvent[], records: readonly StoredEvent[]) {
  for (const [count, record] of records.entries()) {
    try {
      await sink.send([record]);
    } catch (error) {
      if (!(error instanceof RefusedByBroker)) throw error;
      return { count, refused: `Kafka refuses the event ${events[count]?.id} for good: ${error.message}` };
    }
  }
  return { count: records.length };
}

const recordOf = ({ id, topic }: ReplayRow, event: FeedEvent): StoredEvent => ({
  topic,
  partitionKey: event.partitionKey,
  headers: JSON.stringify({
    ...(JSON.parse(event.headers) as Record<string, string>),
    ce_replayid: id,
    ce_replaytopic: event.topic,
  }),
  value: event.value,
});

/** Unless another attempt, which had no answer, was here meanwhile. */
async function advance(
  database: Database,
  { id, transactionId, position }: ReplayRow,
  next: Place,
  told: { sent: { increment: number }; sentThrough?: Date; missingBefore?: Date },
): Promise<void> {
  await database.eventReplay.updateMany({
    where: { id, transactionId, position, endedAt: null },
    data: { transactionId: next.transactionId, position: next.position, ...told },
  });
}

async function end(
  database: Database,
  { id }: ReplayRow,
  status: 'completed' | 'refused' | 'stopped',
  detail: string | null | undefined,
): Promise<void> {
  await database.eventReplay.updateMany({
    where: { id, endedAt: null },
    data: { status, detail: detail ?? null, endedAt: new Date() },
  });
}
