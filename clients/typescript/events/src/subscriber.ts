/**
 * Applies the events of Billing, for any Kafka client.
 *
 * What must stay true: each event of a stream is applied once, in the order of its sequence, whatever is redelivered,
 * rebalanced or deleted. Effect and sequence are one commit, under the lock of the stream's row:
 *
 * 1. At or below the last sequence: it was applied, and is passed over.
 * 2. The next one: its handler, then the row.
 * 3. Beyond that there is a gap: what is missing is read from the service, applied in order, and then the event.
 *
 * A stream is a topic without its version and a key. All versions of a topic have the same sequences, so whoever reads
 * a new version goes on where the old one was left, key by key, also while both are read.
 */
import type { Pool, PoolClient } from 'pg';
import { EventError } from './errors.ts';
import type { EventOf, EventType, StreamEvent } from './event.ts';
import { inTransaction, lockStream, moveStream } from './inbox.ts';
import type { MissingEvents, Pruned } from './missing-events.ts';
import { type KafkaRecord, lineOf, readEvent } from './read-event.ts';
import { isKnown, validated } from './validate.ts';

/** Runs in the transaction of `client`: what it does there takes effect with the event's sequence, or not at all. */
export type Handler<Event> = (event: Event, client: PoolClient) => Promise<void>;
export type Handlers = { [Type in EventType]?: Handler<EventOf<Type>> };

/** Events that nobody can give any more. */
export interface LostEvents {
  stream: string;
  topic: string;
  partitionKey: string;
  subject: string | null;
  tenantId: string | null;
  /** The first and the last sequence that are missing. */
  from: number;
  to: number;
}

export interface SubscriberOptions {
  pool: Pool;
  /** Names the subscriber in the inbox: another name applies everything anew. */
  consumer: string;
  /**
   * By type. An event without one counts as its sequence; so does EventWithheld, which stands in another's place. One
   * that has a handler in another version only is handed in again: passed over, it would be known in both.
   */
  handlers: Handlers;
  /** For events of types that this version of the kit does not know. Their data is as it came. */
  others?: Handler<StreamEvent>;
  missing: MissingEvents;
  /**
   * Takes a record that is unreadable, or whose data is invalid, for example into a table for a person. It then counts
   * as handled; without this it is handed in again. The same unreadable record may come twice.
   */
  refused?: (error: EventError, record: KafkaRecord, client: PoolClient) => Promise<void>;
  /**
   * Makes up for events that the service has deleted, for example by the state of today, read over REST. Later events
   * are in that state already, and come all the same. Without this the record is handed in again: its partition waits.
   */
  lost?: (lost: LostEvents, client: PoolClient) => Promise<void>;
}

/** `known`: it was applied before. What `refused` has taken is applied. */
export type Outcome = 'applied' | 'known';

export interface Subscriber {
  /** Resolves when its offset may be committed; rejects when it must be handed in again. */
  receive: (record: KafkaRecord) => Promise<Outcome>;
}

const PAGE_MAX = 100;

interface Entry {
  record: KafkaRecord;
  event: StreamEvent;
}

export function createSubscriber(options: SubscriberOptions): Subscriber {
  return {
    receive: async (record) => {
      const entry = await readOrRefuse(options, record);
      if (entry === null) return 'applied';
      const { applied, last } = await advance(options, [entry]);
      if (last >= entry.event.sequence) return applied ? 'applied' : 'known';
      await fillGap(options, entry, last);
      return 'applied';
    },
  };
}

const entryOf = (record: KafkaRecord): Entry => ({ record, event: readEvent(record) });

/** null for a record that was refused. */
async function readOrRefuse({ pool, refused }: SubscriberOptions, record: KafkaRecord): Promise<Entry | null> {
  try {
    return entryOf(record);
  } catch (error) {
    if (!refused || !(error instanceof EventError)) throw error;
    await inTransaction(pool, (client) => refused(error, record, client));
    return null;
  }
}

interface Progress {
  applied: boolean;
  last: number;
}

/** Applies those of the entries, all of one stream, that are next in turn. */
async function advance(options: SubscriberOptions, entries: readonly [Entry, ...Entry[]]): Promise<Progress> {
  const { pool, consumer } = options;
  const { stream } = entries[0].event;
  return inTransaction(pool, async (client) => {
    const before = await lockStream(client, consumer, stream);
    let last = before;
    for (const entry of entries) {
      if (entry.event.sequence !== last + 1) continue;
      await apply(options, entry, client);
      last += 1;
    }
    if (last > before) await moveStream(client, consumer, stream, last);
    return { applied: last > before, last };
  });
}

async function apply({ handlers, others, refused }: SubscriberOptions, entry: Entry, client: PoolClient) {
  const { record, event } = entry;
  const handle = (isKnown(event) ? handlers[event.type as EventType] : others) as Handler<StreamEvent> | undefined;
  // What nobody handles is not looked at: it cannot be in the way.
  if (!handle) return refuseOtherVersion(handlers, event);
  if (!isKnown(event)) return handle(event, client);
  let checked: StreamEvent;
  try {
    checked = validated(event);
  } catch (error) {
    if (!refused || !(error instanceof EventError)) throw error;
    return refused(error, record, client);
  }
  return handle(checked, client);
}

/** Passed over, the event would be lost for good: its copy in the version that is handled counts as known then. */
function refuseOtherVersion(handlers: Handlers, { type, stream, sequence }: StreamEvent): void {
  const other = Object.keys(handlers).find((handled) => lineOf(handled) === lineOf(type));
  if (other === undefined) return;
  const what = `${sequence} of ${stream} is ${type}, which has no handler, but ${other} has one`;
  throw new EventError('unhandled_version', `${what}: handle both, with a handler that does nothing if so meant.`);
}

/** Each round brings the stream forward, or throws. */
async function fillGap(options: SubscriberOptions, entry: Entry, from: number): Promise<void> {
  const { event } = entry;
  for (let last = from; last < event.sequence;) {
    const before = last;
    // Behind deleted events it may be the next one itself: there is nothing to ask for then.
    const found = last + 1 === event.sequence ? [] : await ask(options, event, last);
    if (Array.isArray(found)) ({ last } = await advance(options, [...entriesOf(event, found), entry]));
    else last = await passOver(options, event, last, found);
    if (last <= before)
      throw new EventError('gap', `${placeOf(event)}: the service did not give the sequence ${before + 1}.`);
  }
}

function ask({ missing }: SubscriberOptions, event: StreamEvent, last: number): Promise<KafkaRecord[] | Pruned> {
  const { topic, subject, tenantId, sequence } = event;
  if (subject === null) throw new EventError('gap', `${placeOf(event)}: without a subject it cannot be asked for.`);
  return missing({ topic, subject, tenantId, afterSequence: last, limit: Math.min(sequence - last - 1, PAGE_MAX) });
}

/** Those of the event's own stream, before it. */
const entriesOf = ({ stream, sequence }: StreamEvent, found: readonly KafkaRecord[]): [Entry, ...Entry[]] | [] =>
  found.map(entryOf).filter(({ event }) => event.stream === stream && event.sequence < sequence) as [Entry, ...Entry[]];

/** Gives the sequence that the stream is at then. */
async function passOver(options: SubscriberOptions, event: StreamEvent, last: number, pruned: Pruned): Promise<number> {
  const { pool, consumer, lost } = options;
  const { stream, topic, partitionKey, subject, tenantId, sequence } = event;
  const [from, to] = [last + 1, Math.min(pruned.firstSequence, sequence) - 1];
  if (to < from) return last;
  if (!lost) throw new EventError('lost', `${placeOf(event)}: the service has deleted ${from} to ${to}.`);
  return inTransaction(pool, async (client) => {
    const now = await lockStream(client, consumer, stream);
    if (now !== last) return now;
    await lost({ stream, topic, partitionKey, subject, tenantId, from, to }, client);
    await moveStream(client, consumer, stream, to);
    return to;
  });
}

const placeOf = ({ stream, sequence }: StreamEvent): string => `Before ${sequence} of ${stream} events are missing`;
