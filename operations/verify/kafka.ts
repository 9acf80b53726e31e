/**
 * Kafka against the outbox: what is there is what was published, byte for byte, and the first occurrences of a stream
 * are 1, 2, 3 ... (MSG-01 to MSG-03).
 *
 * A published event that is not there is a zombie; an event of ours that nobody has recorded is a ghost. What retention
 * has deleted from the outbox cannot be compared; its place in its stream can. Which event of a stream was seen is kept as one number a stream, not as a set of ids: a log may have many millions of records.
 */
import { z } from 'zod';
import { DEFAULT_DOMAIN } from '../../messaging/topics.ts';
import type { LogPartition, LogRecord } from '../../platform/kafka-log.ts';
import { queryRows } from '../../platform/rows.ts';
import { sql } from '../../platform/sql.ts';
import { type Check, PAGE, type Tally, type World, ofTenants, pages } from './check.ts';

const OUR_SOURCES = `/${DEFAULT_DOMAIN}/`;
/** An event is marked published after Kafka has it: after the send and its retries, by another clock. */
const MARKED_WITHIN_MS = 60_000;

const recordedRow = z.object({
  id: z.string(),
  stream: z.string(),
  sequence: z.bigint(),
  topic: z.string(),
  partition_key: z.string(),
  headers: z.string(),
  value: z.string(),
});
type RecordedEvent = z.infer<typeof recordedRow>;

const clockRow = z.object({ now: z.date() });

/** Which events of a stream were seen: all up to one, and those behind a hole. */
interface Seen {
  upTo: bigint;
  behind: Set<bigint>;
}

export const kafka: Check = {
  name: 'kafka',
  run: async (world, tally) => {
    // Marked before this instant means acknowledged before it, hence below the ends that are asked for next.
    const [clock] = await queryRows(world.database, clockRow)`SELECT clock_timestamp() AS now`;
    const asOf = clock?.now ?? new Date();
    const seen = new Map<string, Seen>();
    const begins = new Map<string, number>();
    const { partitions, missing } = await world.readLog(async (records, of) => {
      if (!begins.has(nameOf(of))) begins.set(nameOf(of), records[0]?.timestamp ?? asOf.getTime());
      await compare(world, tally, seen, records, of);
    });
    for (const topic of missing) tally.note(`the topic ${topic} does not exist (yet)`);
    const goneUntil = new Map<string, number>();
    for (const cut of partitions.filter(isCut)) {
      tally.note(`${nameOf(cut)} begins at offset ${cut.oldest}: what was before it cannot be checked`);
      const until = begins.get(nameOf(cut)) ?? asOf.getTime();
      goneUntil.set(cut.topic, Math.max(goneUntil.get(cut.topic) ?? 0, until));
    }
    await findZombies(world, tally, seen, { asOf, goneUntil });
  },
};

const nameOf = ({ topic, partition }: LogPartition): string => `${topic}/${partition}`;

/** Old records are gone, by retention. */
const isCut = ({ oldest }: LogPartition): boolean => oldest > 0n;

async function compare(
  world: World,
  tally: Tally,
  seen: Map<string, Seen>,
  records: readonly LogRecord[],
  of: LogPartition,
): Promise<void> {
  const ours = records.filter(({ headers }) => headers['ce_source']?.startsWith(OUR_SOURCES));
  const wanted = ours.filter(({ headers }) => world.tenants?.includes(headers['ce_tenantid'] ?? '') ?? true);
  tally.saw('events', wanted.length);
  tally.saw('records of others', records.length - ours.length);
  const events = await recorded(world, wanted);
  const unknown = wanted.filter(({ headers }) => !events.has((headers['ce_id'] ?? '').toLowerCase()));
  const pruned = await prunedUpTo(world, unknown);
  for (const record of wanted) {
    const id = record.headers['ce_id'] ?? '';
    const event = events.get(id.toLowerCase());
    if (!event) {
      const place = { id, stream: streamOf(record), sequence: sequenceOf(record) };
      if (place.sequence > (pruned.get(place.stream) ?? 0n)) {
        tally.found(id, `ghost: nobody has recorded the event at ${placeOf(record)}`);
        continue;
      }
      tally.saw('deleted by retention');
      notice(tally, seen, place, isCut(of));
      continue;
    }
    const differs = differencesOf(record, event);
    if (differs.length > 0) tally.found(id, `not what was recorded at ${placeOf(record)}: ${differs.join(', ')}`);
    notice(tally, seen, event, isCut(of));
  }
}

const placeOf = ({ topic, partition, offset }: LogRecord): string => `${topic}/${partition}, offset ${offset}`;

/** As in `streams`. */
const streamOf = ({ topic, key }: LogRecord): string => `${topic}|${key?.toString('utf8') ?? ''}`;

/** Of what cannot be read, one that no stream has. */
function sequenceOf({ headers }: LogRecord): bigint {
  const text = headers['ce_sequence'] ?? '';
  return /^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : BigInt(Number.MAX_SAFE_INTEGER);
}

const prunedRow = z.object({ stream: z.string(), pruned_through: z.bigint() });

async function prunedUpTo({ database }: World, records: readonly LogRecord[]): Promise<Map<string, bigint>> {
  if (records.length === 0) return new Map();
  const rows = await queryRows(database, prunedRow)`
    SELECT stream, pruned_through FROM streams WHERE stream = ANY(${[...new Set(records.map(streamOf))]}::text[])`;
  return new Map(rows.map(({ stream, pruned_through: through }) => [stream, through]));
}

async function recorded({ database }: World, records: readonly LogRecord[]): Promise<Map<string, RecordedEvent>> {
  const ids = records.map(({ headers }) => headers['ce_id'] ?? '').filter((id) => z.guid().safeParse(id).success);
  if (ids.length === 0) return new Map();
  const rows = await queryRows(database, recordedRow)`
    SELECT id, stream, sequence, topic, partition_key, headers, value FROM outbox_events
    WHERE id = ANY(${ids}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row]));
}

const differencesOf = ({ topic, key, value, headers }: LogRecord, event: RecordedEvent): string[] => [
  ...(topic === event.topic ? [] : [`it was recorded for ${event.topic}`]),
  ...(key?.toString('utf8') === event.partition_key ? [] : ['the key']),
  ...(value?.equals(Buffer.from(event.value)) ? [] : ['the value']),
  ...(JSON.stringify(headers) === event.headers ? [] : ['the headers']),
];

/** Notes an occurrence; the first of its event must come after those of all lower sequences of its stream. */
function notice(
  { saw, found }: Tally,
  streams: Map<string, Seen>,
  { id, stream, sequence }: Pick<RecordedEvent, 'id' | 'stream' | 'sequence'>,
  anyBegin: boolean,
): void {
  const seen = streams.get(stream) ?? { upTo: anyBegin ? sequence - 1n : 0n, behind: new Set<bigint>() };
  streams.set(stream, seen);
  if (isSeen(seen, sequence)) return saw('duplicates');
  if (sequence > seen.upTo + 1n) {
    // One finding a hole: what lies behind it is late because of it.
    if (seen.behind.size === 0) found(id, `sequence ${sequence} of ${stream} came before sequence ${seen.upTo + 1n}`);
    seen.behind.add(sequence);
    return undefined;
  }
  seen.upTo = sequence;
  while (seen.behind.delete(seen.upTo + 1n)) seen.upTo += 1n;
}

const isSeen = ({ upTo, behind }: Seen, sequence: bigint): boolean => sequence <= upTo || behind.has(sequence);

const publishedRow = z.object({
  position: z.bigint(),
  id: z.string(),
  stream: z.string(),
  sequence: z.bigint(),
  topic: z.string(),
  published_at: z.date(),
});
type PublishedRow = z.infer<typeof publishedRow>;

async function findZombies(
  world: World,
  { saw, found }: Tally,
  streams: ReadonlyMap<string, Seen>,
  { asOf, goneUntil }: { asOf: Date; goneUntil: ReadonlyMap<string, number> },
): Promise<void> {
  const published = pages(
    (after: PublishedRow | null) =>
      queryRows(world.database, publishedRow)`
      SELECT position, id, stream, sequence, topic, published_at FROM outbox_events
      WHERE position > ${after?.position ?? 0n}::bigint AND published_at < ${asOf}::timestamptz
        AND ${ofTenants(world, sql`tenant_id`)}
      ORDER BY position LIMIT ${PAGE}`,
  );
  for await (const rows of published) {
    saw('published rows', rows.length);
    for (const row of rows) {
      const seen = streams.get(row.stream);
      const mayBeGone = row.published_at.getTime() <= (goneUntil.get(row.topic) ?? -Infinity) + MARKED_WITHIN_MS;
      if (seen ? !isSeen(seen, row.sequence) : !mayBeGone)
        found(row.id, `zombie: sequence ${row.sequence} of ${row.stream} is marked published, but not on Kafka`);
    }
  }
}
