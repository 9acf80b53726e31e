/** The relay against a real broker: order, duplicates, poison, holes. */
import { createEventSink } from '../../platform/kafka-sink.ts';
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventSink, RefusedByBroker, type StoredEvent } from '../../messaging/event-sink.ts';
import { publishPending } from '../../messaging/publish.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { createKafka } from '../../platform/kafka.ts';
import { createLogger } from '../../platform/logger.ts';
import { testConfig } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
// A slot number that no stream of other tests has: their relay never sees these rows, nor do we see theirs.
const SHARDS = 1_000_003;
const SHARD = 1_000_000;

let database: Database;
let sink: EventSink;
let subscriber: Subscriber;
let topic: string;

beforeAll(async () => {
  const config = await testConfig();
  database = testDatabase();
  topic = `test.relay.${randomUUID()}`;
  sink = createEventSink(createKafka(config, logger), [topic], config);
  await sink.prepare();
  subscriber = await subscribe([topic]);
});
afterAll(async () => {
  await subscriber?.stop();
  await sink?.close();
  await database?.$disconnect();
});

interface Planned {
  key: string;
  sequence: number;
  topic?: string;
  value?: string;
}

/** Puts events into the outbox as a step would have; returns the tenant they belong to. */
async function record(events: readonly Planned[]): Promise<string> {
  const tenantId = randomUUID();
  const streamOf = (event: Planned) => `${event.topic ?? topic}|${tenantId}|${event.key}`;
  for (const stream of new Set(events.map(streamOf))) {
    const last = Math.max(...events.filter((event) => streamOf(event) === stream).map(({ sequence }) => sequence));
    await database.stream.create({ data: { stream, lastSequence: BigInt(last) } });
  }
  for (const event of events) {
    const id = uuidv7();
    await database.outboxEvent.create({
      data: {
        id,
        tenantId,
        stream: streamOf(event),
        sequence: BigInt(event.sequence),
        slot: SHARD,
        topic: event.topic ?? topic,
        partitionKey: `${tenantId}|${event.key}`,
        type: 'test',
        headers: JSON.stringify({ ce_id: id, ce_sequence: String(event.sequence), ce_tenantid: tenantId }),
        value: event.value ?? JSON.stringify({ n: event.sequence }),
      },
    });
  }
  return tenantId;
}

const publish = (to: EventSink = sink) => publishPending({ database, sink: to, logger }, SHARD, SHARDS);
/** Publishes until nothing can be sent; a look that only finds poison sends nothing, and the next one goes on. */
async function publishAll(to: EventSink = sink): Promise<number> {
  let total = 0;
  for (let idle = 0; idle < 2;) {
    const sent = await publish(to);
    idle = sent === 0 ? idle + 1 : 0;
    total += sent;
  }
  return total;
}
const streams = async (tenantId: string): Promise<Record<string, { published: number; blocked: string | null }>> =>
  Object.fromEntries(
    (await database.stream.findMany({ where: { stream: { contains: tenantId } } })).map((row) => [
      row.stream.split('|')[2] ?? '',
      { published: Number(row.lastPublished), blocked: row.blockedReason },
    ]),
  );

/** A sink that fails as told before the real one is asked. */
const failing = (fail: (events: readonly StoredEvent[]) => Error | undefined, after = false): EventSink => ({
  ...sink,
  send: async (events) => {
    const error = fail(events);
    if (error && !after) throw error;
    await sink.send(events);
    if (error) throw error;
  },
});

describe('the relay', () => {
  it('MSG-02: sends each stream in order and marks what was acknowledged', async () => {
    const tenantId = await record([1, 2, 3].flatMap((sequence) => ['a', 'b'].map((key) => ({ key, sequence }))));
    expect(await publishAll()).toBe(6);
    expect(await streams(tenantId)).toEqual({ a: { published: 3, blocked: null }, b: { published: 3, blocked: null } });
    const read = await subscriber.waitForEvents(tenantId, 6);
    for (const key of ['a', 'b']) {
      expect(read.filter((event) => event.key.endsWith(`|${key}`)).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    }
  });

  it('MSG-01, MSG-03: sent but not marked, an event is sent again with the same bytes', async () => {
    const tenantId = await record([{ key: 'a', sequence: 1 }]);
    const lost = failing(() => new Error('the acknowledgement was lost'), true);
    await expect(publish(lost)).rejects.toThrow('lost');
    expect(await publishAll()).toBe(1);
    const [first, second] = await waitFor('both', async () => {
      const read = subscriber.of(tenantId);
      return read.length >= 2 ? read : undefined;
    });
    expect({ ...second, offset: 0 }).toEqual({ ...first, offset: 0 });
  });

  it('a broker that is away is no poison: nothing is blocked, and everything goes later', async () => {
    const tenantId = await record([
      { key: 'a', sequence: 1 },
      { key: 'a', sequence: 2 },
    ]);
    await expect(publish(failing(() => new Error('away')))).rejects.toThrow('away');
    expect(await streams(tenantId)).toEqual({ a: { published: 0, blocked: null } });
    expect(await publishAll()).toBe(2);
  });

  it('MSG-04: an event that the real broker refuses for good blocks its own stream only', async () => {
    const tooLarge = JSON.stringify({ text: 'x'.repeat(1_200_000) });
    const tenantId = await record([
      { key: 'a', sequence: 1 },
      { key: 'poisoned', sequence: 1 },
      { key: 'poisoned', sequence: 2, value: tooLarge },
      { key: 'poisoned', sequence: 3 },
      { key: 'b', sequence: 1 },
      { key: 'b', sequence: 2 },
    ]);
    expect(await publishAll()).toBe(4);
    expect(await streams(tenantId)).toEqual({
      a: { published: 1, blocked: null },
      b: { published: 2, blocked: null },
      poisoned: { published: 1, blocked: 'MESSAGE_TOO_LARGE' },
    });
    expect(await database.outboxEvent.count({ where: { tenantId, publishedAt: null } })).toBe(2);
  });

  it('MSG-04: an event for a topic whose name the real broker does not allow blocks its own stream only', async () => {
    const tenantId = await record([
      { key: 'a', sequence: 1 },
      { key: 'poisoned', sequence: 1, topic: 'not a topic!' },
      { key: 'poisoned', sequence: 2, topic: 'not a topic!' },
      { key: 'b', sequence: 1 },
    ]);
    expect(await publishAll()).toBe(2);
    expect(await streams(tenantId)).toEqual({
      a: { published: 1, blocked: null },
      b: { published: 1, blocked: null },
      poisoned: { published: 0, blocked: 'INVALID_TOPIC_EXCEPTION' },
    });
  });

  it('MSG-04: among a hundred events the halves find the refused one, and every other stream flows', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
    const tenantId = await record(keys.flatMap((key) => [1, 2].map((sequence) => ({ key, sequence }))));
    const refusing = failing((events) =>
      events.some((event) => event.partitionKey.endsWith('|k17')) ? new RefusedByBroker('INVALID_RECORD') : undefined,
    );
    expect(await publishAll(refusing)).toBe(98);
    const blocked = Object.entries(await streams(tenantId)).filter(([, { blocked: reason }]) => reason !== null);
    expect(blocked).toEqual([['k17', { published: 0, blocked: 'INVALID_RECORD' }]]);
  });

  it('a refused batch is looked into for as long as there is time, and the next look goes on', async () => {
    await record(Array.from({ length: 64 }, (_, n) => ({ key: `k${n}`, sequence: 1 })));
    let sends = 0;
    const refusing = failing(() => {
      sends += 1;
      return new RefusedByBroker('INVALID_RECORD');
    });
    const isOver = () => sends >= 3;
    expect(await publishPending({ database, sink: refusing, logger, isOver }, SHARD, SHARDS)).toBe(0);
    expect(sends).toBe(3);
    expect(await publishAll()).toBe(64);
  });

  it('MSG-02: never passes a hole: a stream whose next event is missing waits and says so', async () => {
    const tenantId = await record([
      { key: 'a', sequence: 1 },
      { key: 'a', sequence: 3 },
      { key: 'b', sequence: 1 },
    ]);
    expect(await publishAll()).toBe(2);
    expect(await streams(tenantId)).toEqual({
      a: { published: 1, blocked: 'sequence 2 is missing in the outbox' },
      b: { published: 1, blocked: null },
    });
  });

  it('many small events for one partition are sent in batches below the broker’s limit', async () => {
    const value = JSON.stringify({ text: 'x'.repeat(9_000) });
    const tenantId = await record(Array.from({ length: 150 }, (_, n) => ({ key: 'a', sequence: n + 1, value })));
    expect(await publishAll()).toBe(150);
    expect(await streams(tenantId)).toEqual({ a: { published: 150, blocked: null } });
  });
});
