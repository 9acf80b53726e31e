/**
 * Sends what waits in the outbox.
 *
 * Always true:
 * 1. Never past a hole: an event is sent only when every lower sequence of its stream was acknowledged.
 * 2. An event is marked published only after the broker acknowledged it. A crash in between sends it again, with the
 *    same id and bytes; the first occurrences stay in order.
 * 3. An event that the broker refuses for good, alone, blocks its own stream and no other. It is never skipped.
 */
import type { Logger } from '../platform/logger.ts';
import type { Database } from '../platform/database.ts';
import { type PendingEvent, pendingEvents } from '../queries/pending-events.ts';
import { type EventSink, RefusedByBroker } from './event-sink.ts';

export const BATCH_EVENTS_MAX = 500;
/** Brokers take 1 MiB a partition by default; small events together must stay below it. */
const BATCH_BYTES_MAX = 900_000;

export interface PublishDeps {
  database: Database;
  sink: EventSink;
  logger: Logger;
}

interface Blocked {
  event: PendingEvent;
  reason: string;
}

/** Sends one batch of a shard; returns how many events the broker acknowledged. Rejects when the broker is away. */
export async function publishPending(deps: PublishDeps, shard: number, shards: number): Promise<number> {
  const { sendable, blocked } = contiguous(
    await pendingEvents(deps.database, { shard, shards, limit: BATCH_EVENTS_MAX }),
  );
  for (const hole of blocked) await block(deps, hole);
  const batch = upToBytes(sendable, BATCH_BYTES_MAX);
  if (batch.length === 0) return 0;
  return sendIsolating(deps, batch, new Set());
}

/** The events that may go now: of each stream the run without a gap after what was published. */
function contiguous(events: readonly PendingEvent[]): { sendable: PendingEvent[]; blocked: Blocked[] } {
  const next = new Map<string, bigint>();
  const blocked = new Map<string, Blocked>();
  const sendable = events.filter((event) => {
    if (blocked.has(event.stream)) return false;
    const expected = next.get(event.stream) ?? event.lastPublished + 1n;
    if (event.sequence !== expected) {
      blocked.set(event.stream, { event, reason: `sequence ${expected} is missing in the outbox` });
      return false;
    }
    next.set(event.stream, expected + 1n);
    return true;
  });
  return { sendable, blocked: [...blocked.values()] };
}

function upToBytes(events: readonly PendingEvent[], limit: number): PendingEvent[] {
  let bytes = 0;
  const end = events.findIndex((event, index) => {
    bytes += Buffer.byteLength(event.value) + Buffer.byteLength(event.headers);
    return bytes > limit && index > 0;
  });
  return end === -1 ? [...events] : events.slice(0, end);
}

/**
 * Sends a batch; when the broker refuses it for good, its halves, one after the other, until the event is found that
 * is refused alone. Later events of that event's stream are left where they are.
 */
async function sendIsolating(
  deps: PublishDeps,
  batch: readonly PendingEvent[],
  blockedStreams: Set<string>,
): Promise<number> {
  const events = batch.filter(({ stream }) => !blockedStreams.has(stream));
  const [first] = events;
  if (!first) return 0;
  try {
    await deps.sink.send(events);
  } catch (error) {
    if (!(error instanceof RefusedByBroker)) throw error;
    if (events.length === 1) {
      blockedStreams.add(first.stream);
      await block(deps, { event: first, reason: error.message });
      return 0;
    }
    const middle = Math.ceil(events.length / 2);
    const early = await sendIsolating(deps, events.slice(0, middle), blockedStreams);
    return early + (await sendIsolating(deps, events.slice(middle), blockedStreams));
  }
  await markPublished(deps.database, events);
  return events.length;
}

async function markPublished(database: Database, events: readonly PendingEvent[]): Promise<void> {
  const lastOfStream = new Map(events.map(({ stream, sequence }) => [stream, sequence]));
  const streams = [...lastOfStream.keys()].toSorted();
  const sequences = streams.map((stream) => lastOfStream.get(stream) ?? 0n);
  const positions = events.map(({ position }) => position);
  // One statement is one transaction. The locks are taken in the order of the names, as everywhere.
  await database.$executeRaw`
    WITH done AS (SELECT * FROM unnest(${streams}::text[], ${sequences}::bigint[]) AS t(stream, sequence)),
    locked AS (SELECT stream FROM streams WHERE stream = ANY(${streams}::text[]) ORDER BY stream FOR UPDATE),
    moved AS (
      UPDATE streams SET last_published = greatest(last_published, done.sequence)
      FROM done JOIN locked USING (stream) WHERE streams.stream = done.stream)
    UPDATE outbox_events SET published_at = clock_timestamp()
    WHERE position = ANY(${positions}::bigint[]) AND published_at IS NULL`;
}

async function block({ database, logger }: PublishDeps, { event, reason }: Blocked): Promise<void> {
  logger.error({ stream: event.stream, eventId: event.id, reason }, 'an event cannot be published; its stream waits');
  await database.stream.updateMany({
    where: { stream: event.stream, blockedBy: null },
    data: { blockedBy: event.id, blockedReason: reason },
  });
}
