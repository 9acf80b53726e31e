/** What Kafka has of us and Postgres lacks, after Postgres was restored from a backup. */
import { z } from 'zod';
import { DEFAULT_DOMAIN } from '../../messaging/topics.ts';
import type { LogRead, LogRecord, OnRecords } from '../../platform/kafka-log.ts';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';

const OUR_SOURCES = `/${DEFAULT_DOMAIN}/`;

/** An event of ours, as it is on Kafka. */
export interface LostEvent {
  id: string;
  stream: string;
  sequence: bigint;
  topic: string;
  partitionKey: string;
  type: string;
  tenantId: string;
  /** The key of the command that caused it. */
  commandKey: string;
  /** Who sent that command; null in events of versions that did not say so. */
  actor: string | null;
  /** RFC 3339, of the commit. */
  time: string;
  /** Exactly the text of the outbox. */
  headers: string;
  value: string;
  /** topic/partition, offset */
  place: string;
}

/** What a person must decide, or know, before anything is written. */
export interface Problem {
  about: string;
  problem: string;
}

export interface LostEvents {
  /** By stream, in their order. */
  streams: ReadonlyMap<string, readonly LostEvent[]>;
  problems: Problem[];
}

const streamRow = z.object({ stream: z.string(), last_sequence: z.bigint() });
const knownRow = z.object({ id: z.string(), stream: z.string(), sequence: z.bigint() });

/** Reads Kafka from the instant on (epoch ms). */
export async function findLost(
  database: Database,
  readLog: (onRecords: OnRecords, sinceMs: number) => Promise<LogRead>,
  sinceMs: number,
  /** Topics of later versions: their streams begin behind what was deleted when they were opened. */
  laterTopics: ReadonlySet<string>,
): Promise<LostEvents> {
  const found = new Map<string, Map<bigint, LostEvent>>();
  const begins = new Map<string, bigint>();
  const problems: Problem[] = [];
  const { partitions } = await readLog(async (records, of) => {
    if (of.oldest > 0n && (records[0]?.timestamp ?? 0) > sinceMs && records[0]?.offset === of.oldest)
      problems.push({
        about: `${of.topic}/${of.partition}`,
        problem: `begins later than the backup, at ${new Date(records[0].timestamp).toISOString()}: what was before it is not known`,
      });
    const events = records.filter(isOurs).map(eventOf);
    const named = events.map(({ stream }) => stream);
    for (const [stream, last] of await lastSequences(database, named)) begins.set(stream, last);
    problems.push(...(await contradictions(database, events, begins)));
    for (const event of events) {
      if (event.sequence <= (begins.get(event.stream) ?? 0n)) continue;
      const stream = found.get(event.stream) ?? new Map<bigint, LostEvent>();
      found.set(event.stream, stream);
      const other = stream.get(event.sequence);
      if (!other) stream.set(event.sequence, event);
      else if (other.id !== event.id) problems.push(twice(event, other.id));
    }
  }, sinceMs);
  if (partitions.length === 0) problems.push({ about: 'Kafka', problem: 'has none of the topics of the service' });
  const streams = new Map<string, LostEvent[]>();
  for (const [stream, events] of found) {
    const inOrder = [...events.values()].toSorted((one, other) => (one.sequence < other.sequence ? -1 : 1));
    streams.set(stream, inOrder);
    const [first] = inOrder;
    const begin = first && laterTopics.has(first.topic) ? first.sequence - 1n : 0n;
    const gap = gapIn(inOrder, begins.get(stream) ?? begin);
    if (gap !== undefined)
      problems.push({ about: stream, problem: `sequence ${gap} is neither in Postgres nor on Kafka, later ones are` });
  }
  return { streams, problems };
}

/** Whoever else may write there sends no sequence. */
const isOurs = ({ headers }: LogRecord): boolean =>
  headers['ce_source']?.startsWith(OUR_SOURCES) === true && /^\d+$/.test(headers['ce_sequence'] ?? '');

const eventOf = ({ topic, partition, offset, key, value, headers }: LogRecord): LostEvent => ({
  id: headers['ce_id'] ?? '',
  stream: `${topic}|${key?.toString('utf8') ?? ''}`,
  sequence: BigInt(headers['ce_sequence'] ?? 0),
  topic,
  partitionKey: key?.toString('utf8') ?? '',
  type: headers['ce_type'] ?? '',
  tenantId: headers['ce_tenantid'] ?? '',
  commandKey: headers['ce_causationid'] ?? '',
  actor: headers['ce_actor'] ?? null,
  time: headers['ce_time'] ?? '',
  headers: JSON.stringify(headers),
  value: value?.toString('utf8') ?? '',
  place: `${topic}/${partition}, offset ${offset}`,
});

const twice = ({ stream, sequence, id, place }: LostEvent, otherId: string): Problem => ({
  about: stream,
  problem: `sequence ${sequence} is ${otherId} and, at ${place}, ${id}: the service has worked since the restore`,
});

function gapIn(events: readonly LostEvent[], last: bigint): bigint | undefined {
  let expected = last + 1n;
  for (const { sequence } of events) {
    if (sequence !== expected) return expected;
    expected += 1n;
  }
  return undefined;
}

/** Where streams stand in Postgres; those that it does not have are not in it. */
export async function lastSequences(database: Database, names: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await queryRows(database, streamRow)`
    SELECT stream, last_sequence FROM streams WHERE stream = ANY(${[...new Set(names)]}::text[])`;
  return new Map(rows.map((row) => [row.stream, row.last_sequence]));
}

/** What Postgres has at the same place of a stream must be the same event. */
async function contradictions(
  database: Database,
  events: readonly LostEvent[],
  begins: ReadonlyMap<string, bigint>,
): Promise<Problem[]> {
  const known = events.filter(({ stream, sequence }) => sequence <= (begins.get(stream) ?? 0n));
  if (known.length === 0) return [];
  const rows = await queryRows(database, knownRow)`
    SELECT e.id, e.stream, e.sequence FROM outbox_events e
    JOIN unnest(${known.map(({ stream }) => stream)}::text[], ${known.map(({ sequence }) => sequence)}::bigint[])
      AS wanted(stream, sequence) ON e.stream = wanted.stream AND e.sequence = wanted.sequence`;
  const ids = new Map(rows.map(({ id, stream, sequence }) => [`${stream} ${sequence}`, id]));
  return known.flatMap((event) => {
    const id = ids.get(`${event.stream} ${event.sequence}`);
    return id === undefined || id === event.id.toLowerCase() ? [] : [twice(event, id)];
  });
}
