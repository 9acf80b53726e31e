/**
 * Sends what waits in the outbox.
 *
 * Always true:
 * 1. Never past a hole: an event is sent only when every lower sequence of its stream was acknowledged.
 * 2. An event is marked published only after the broker acknowledged it. A crash in between sends it again, with the
 *    same id and bytes; the first occurrences stay in order.
 * 3. A partition that is away holds up its own streams and no other.
 * 4. An event that the broker refuses for good, alone, blocks its own stream and no other, and opens a dead letter. It
 *    is never skipped.
 */
import type { Logger } from '../platform/logger.ts';
import type { Database } from '../platform/database.ts';
import { SpanKind, inSpan, linkTo } from '../platform/tracing.ts';
import { type PendingEvent, pendingEvents } from './pending-events.ts';
import { EVENT_BYTES_MAX, type EventSink, RefusedByBroker } from './event-sink.ts';
import { blockAndOpenDeadLetter, refusedBecause } from './refused-event.ts';

export const BATCH_EVENTS_MAX = 500;

/** How long a partition that was away is left alone. */
const AWAY_MS = 15_000;
/** So many pages of events that wait for what is away are looked through for others. */
const PAGES_MAX = 200;

/** What is away, by the names of the sink: until when it is left alone, and why. */
export type Away = Map<string, { until: number; because: unknown }>;

export interface PublishDeps {
  database: Database;
  sink: EventSink;
  logger: Logger;
  /** Asked between the parts of a refused batch: is the time for this work over? What is left comes with the next. */
  isOver?: () => boolean;
  /** What is away, for as long as this relay works; nothing is when absent. */
  away?: Away;
  /** Told of each dead letter that was opened, by its id. */
  onDeadLetter?: (deadLetterId: string) => void;
}

/** A stream whose next event is not there, and the event that is there in its place. */
interface Hole {
  event: PendingEvent;
  reason: string;
}

/**
 * Sends one batch of a shard; returns how many events the broker acknowledged. Rejects when the broker is away, or every
 * partition that there are events for.
 */
export async function publishPending(given: PublishDeps, shard: number, shards: number): Promise<number> {
  const deps = { ...given, away: given.away ?? new Map() };
  let after = 0n;
  for (let page = 0; page < PAGES_MAX && !(page > 0 && deps.isOver?.()); page += 1) {
    const events = await pendingEvents(deps.database, { shard, shards, limit: BATCH_EVENTS_MAX, after });
    const { sendable, holes } = contiguous(events);
    // On a later page a stream goes on behind what waits on an earlier one.
    if (page === 0) for (const hole of holes) await blockAtHole(deps, hole);
    const batch = upToBytes(await withoutAway(deps, sendable), EVENT_BYTES_MAX);
    const sent = batch.length === 0 ? 0 : await sendIsolating(deps, batch, new Set());
    const last = events.at(-1);
    if (sent > 0 || !last || events.length < BATCH_EVENTS_MAX) return sent;
    after = last.position;
  }
  return 0;
}

/** The events but for those of partitions that are left alone. */
async function withoutAway(
  { sink, away }: AwareDeps,
  events: readonly PendingEvent[],
): Promise<readonly PendingEvent[]> {
  for (const [name, { until }] of away) if (until <= performance.now()) away.delete(name);
  if (away.size === 0 || events.length === 0) return events;
  const parts = (await sink.partsOf(events)) as Map<string, PendingEvent[]>;
  const waiting = new Set([...parts].flatMap(([name, some]) => (away.has(name) ? some : [])));
  return events.filter((event) => !waiting.has(event));
}

type AwareDeps = PublishDeps & { away: Away };

/** The events that may go now: of each stream the run without a gap after what was published. */
function contiguous(events: readonly PendingEvent[]): { sendable: PendingEvent[]; holes: Hole[] } {
  const next = new Map<string, bigint>();
  const holes = new Map<string, Hole>();
  const sendable = events.filter((event) => {
    if (holes.has(event.stream)) return false;
    const expected = next.get(event.stream) ?? event.lastPublished + 1n;
    if (event.sequence !== expected) {
      holes.set(event.stream, { event, reason: `sequence ${expected} is missing in the outbox` });
      return false;
    }
    next.set(event.stream, expected + 1n);
    return true;
  });
  return { sendable, holes: [...holes.values()] };
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
  deps: AwareDeps,
  batch: readonly PendingEvent[],
  blockedStreams: Set<string>,
): Promise<number> {
  const events = batch.filter(({ stream }) => !blockedStreams.has(stream));
  const [first] = events;
  if (!first || deps.isOver?.()) return 0;
  try {
    await send(deps.sink, events);
  } catch (error) {
    if (!(error instanceof RefusedByBroker)) return sendByParts(deps, events, error);
    if (events.length === 1) {
      blockedStreams.add(first.stream);
      await storeRefused(deps, first, error);
      return 0;
    }
    const middle = Math.ceil(events.length / 2);
    const early = await sendIsolating(deps, events.slice(0, middle), blockedStreams);
    return early + (await sendIsolating(deps, events.slice(middle), blockedStreams));
  }
  await markPublished(deps.database, events);
  return events.length;
}

/** One span for all that is sent together, linked to those that recorded the events. Nothing is added to the events. */
const send = (sink: EventSink, events: readonly PendingEvent[]): Promise<void> =>
  inSpan('send', { kind: SpanKind.PRODUCER, attributes: SENDING }, (span) => {
    if (span.isRecording()) linkTo(span.setAttribute('messaging.batch.message_count', events.length), causesOf(events));
    return sink.send(events);
  });

const SENDING = { 'messaging.system': 'kafka', 'messaging.operation.type': 'send' };

const causesOf = (events: readonly PendingEvent[]) =>
  events.flatMap(({ id, topic, headers }) => {
    const { ce_traceparent: traceparent } = JSON.parse(headers) as Record<string, string>;
    const attributes = { 'messaging.message.id': id, 'messaging.destination.name': topic };
    return traceparent === undefined ? [] : [{ traceparent, attributes }];
  });

/**
 * Part by part, when together they could not be sent. Rejects with `because` when the broker itself is away, and when no
 * part can be sent.
 */
async function sendByParts(deps: AwareDeps, events: readonly PendingEvent[], because: unknown): Promise<number> {
  const { sink, away, logger, database } = deps;
  const isThere = () =>
    sink.prepare().catch(() => {
      throw because;
    });
  await isThere();
  let sent = 0;
  for (const [name, some] of (await sink.partsOf(events)) as Map<string, PendingEvent[]>) {
    if (deps.isOver?.()) break;
    try {
      await send(sink, some);
      await markPublished(database, some);
      sent += some.length;
    } catch (error) {
      await isThere();
      // What is refused for good is found when it is sent with the next batch.
      if (error instanceof RefusedByBroker) continue;
      away.set(name, { until: performance.now() + AWAY_MS, because: error });
      logger.warn({ err: error, part: name }, 'a partition is away; its streams wait');
    }
  }
  if (sent === 0) throw because;
  return sent;
}

/**
 * A relay that was held up may come after a person has put something else in an event's place: of such a stream nothing
 * is marked, and what is there now is sent. What it is now is seen only once its stream is locked.
 */
async function markPublished(database: Database, events: readonly PendingEvent[]): Promise<void> {
  const streams = events.map(({ stream }) => stream);
  const positions = events.map(({ position }) => position);
  const ids = events.map(({ id }) => id);
  await database.$transaction([
    // In the order of the names, as everywhere.
    database.$queryRaw`SELECT FROM streams WHERE stream = ANY(${streams}::text[]) ORDER BY stream FOR UPDATE`,
    database.$executeRaw`
      WITH sent AS (
        SELECT * FROM unnest(${positions}::bigint[], ${ids}::uuid[], ${streams}::text[]) AS t(position, id, stream)),
      replaced AS (
        SELECT sent.stream FROM sent LEFT JOIN outbox_events now ON now.position = sent.position AND now.id = sent.id
        WHERE now.id IS NULL),
      marked AS (
        UPDATE outbox_events SET published_at = clock_timestamp() FROM sent
        WHERE outbox_events.position = sent.position AND outbox_events.published_at IS NULL
          AND sent.stream NOT IN (SELECT stream FROM replaced)
        RETURNING outbox_events.stream, outbox_events.sequence),
      done AS (SELECT stream, max(sequence) AS sequence FROM marked GROUP BY stream)
      UPDATE streams SET last_published = greatest(last_published, done.sequence)
      FROM done WHERE streams.stream = done.stream`,
  ]);
}

async function storeRefused(deps: PublishDeps, event: PendingEvent, error: RefusedByBroker): Promise<void> {
  const { database, logger, onDeadLetter } = deps;
  const refused = refusedBecause(event, error);
  const deadLetterId = await blockAndOpenDeadLetter(database, event, refused);
  if (!deadLetterId) return;
  const { id: eventId, stream } = event;
  logger.error({ stream, eventId, deadLetterId, reason: refused.reason }, 'an event is refused; its stream waits');
  onDeadLetter?.(deadLetterId);
}

/** A missing sequence is a fault of ours, and nothing that a person could send again: it is mended in the outbox. */
async function blockAtHole({ database, logger }: PublishDeps, { event, reason }: Hole): Promise<void> {
  logger.error({ stream: event.stream, eventId: event.id, reason }, 'an event is missing; its stream waits');
  await database.stream.updateMany({
    where: { stream: event.stream, blockedBy: null },
    data: { blockedBy: event.id, blockedReason: reason },
  });
}
