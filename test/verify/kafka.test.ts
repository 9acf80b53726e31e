/**
 * What `npm run verify` finds on Kafka. Kafka forgets nothing, so what is broken there is a tenant's of its own: a
 * stream whose events are marked published, of which the test sends what it likes.
 */
import { eventNamed } from '../support/events.ts';
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OutboxRow } from '../../commands/outbox.ts';
import { outboxRow } from '../support/outbox.ts';
import { testWire } from '../support/activities.ts';
import { type System, startSystem } from '../support/system.ts';
import type { World } from '../../operations/verify/check.ts';
import { kafka } from '../../operations/verify/kafka.ts';
import { verify } from '../../operations/verify/verify.ts';
import { slowness } from '../support/speed.ts';
import { foundIn, verifyTenants, worldOf } from '../support/verifier.ts';

const GRACE_MS = 500 * slowness;

let system: System;
let producer: kafkajs.Producer;
beforeAll(async () => {
  system = await startSystem();
  producer = new kafkajs.Kafka({ brokers: system.config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
});
afterAll(async () => {
  await producer?.disconnect();
  await system?.stop();
});

const poll = async (tenantId: string) => foundIn(await verifyTenants(system, [tenantId], GRACE_MS));

interface Stream {
  tenantId: string;
  events: OutboxRow[];
}

/** A row as it is once it was written. */
const numbered = (sequence: number, { headers, ...row }: OutboxRow) => ({
  ...row,
  sequence,
  headers: JSON.stringify({ ...(JSON.parse(headers) as object), ce_sequence: String(sequence) }),
});

/** A stream whose events were marked published a while ago, and nobody has sent them. */
async function marked(count: number): Promise<Stream> {
  const ids = { tenantId: randomUUID(), invoiceId: randomUUID() };
  const time = new Date().toISOString();
  const events = Array.from({ length: count }, (_, index) =>
    numbered(
      index + 1,
      outboxRow(
        eventNamed('InvoiceGenerated'),
        ids,
        { ...ids, invoiceAmount: '1.00' },
        { time, causationId: 'test', actor: 'ann' },
        testWire,
      ),
    ),
  );
  await system.database.$executeRawUnsafe(`
    WITH events AS (
      INSERT INTO outbox_events (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value, published_at)
      SELECT id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value, clock_timestamp() - interval '1 second'
      FROM jsonb_populate_recordset(NULL::outbox_events, $$${JSON.stringify(events)}$$::jsonb))
    INSERT INTO streams (stream, last_sequence, last_published) VALUES ('${events[0]?.stream}', ${count}, ${count})`);
  return { tenantId: ids.tenantId, events };
}

const send = (...events: OutboxRow[]) =>
  producer.sendBatch({
    topicMessages: events.map(({ topic, partition_key: key, headers, value }) => ({
      topic,
      messages: [{ key, value, headers: JSON.parse(headers) as Record<string, string> }],
    })),
  });

it('MSG-03: the same events, and some of them twice, are right', async () => {
  const { tenantId, events } = await marked(2);
  await send(...events);
  await send(...events);
  expect(await poll(tenantId)).toEqual({});
});

it('MSG-01: an event that is marked published, and was never sent', async () => {
  const { tenantId, events } = await marked(1);
  expect(await poll(tenantId)).toEqual({ kafka: [expect.stringContaining(`${events[0]?.id}: zombie`)] });
});

it('MSG-01: an event that nobody has recorded', async () => {
  const { tenantId, events } = await marked(1);
  const [event] = events;
  const id = randomUUID();
  if (event) await send(event, { ...event, headers: event.headers.replace(event.id, id) });
  expect(await poll(tenantId)).toEqual({ kafka: [expect.stringContaining(`${id}: ghost`)] });
});

it('MSG-02: the second event before the first', async () => {
  const { tenantId, events } = await marked(2);
  for (const event of events.toReversed()) await send(event);
  expect(await poll(tenantId)).toEqual({
    kafka: [expect.stringMatching(`^${events[1]?.id}: sequence 2 of .* came before sequence 1`)],
  });
});

it.each(['value', 'headers'] as const)('MSG-03: an event with another %s', async (part) => {
  const { tenantId, events } = await marked(1);
  const [event] = events;
  if (event) {
    const other = {
      value: event.value.replace('1.00', '9.00'),
      headers: event.headers.replace('causationid', 'cause'),
    };
    await send({ ...event, [part]: other[part] });
  }
  expect(await poll(tenantId)).toEqual({
    kafka: [expect.stringMatching(`^${event?.id}: not what was recorded at .*: the ${part}$`)],
  });
});

it('what retention has removed is said and is no zombie; what came after it is', async () => {
  const { tenantId, events } = await marked(3);
  const [first, second] = events;
  if (!first || !second) throw new Error('There are no events.');
  const { topic, partition_key: key, headers, value } = second;
  const partition = { topic, partition: 0, oldest: 41n, start: 41n, end: 42n };
  const record = {
    ...partition,
    offset: 41n,
    timestamp: Date.now(),
    key: Buffer.from(key),
    value: Buffer.from(value),
    headers: JSON.parse(headers) as Record<string, string>,
  };
  const world: World = {
    ...worldOf(system, [tenantId]),
    readLog: async (onRecords) => {
      await onRecords([record], partition);
      return { partitions: [partition], missing: [] };
    },
  };
  const reports = await verify(world, { checks: [kafka], graceMs: 0 });
  expect(reports[0]?.notes).toEqual([expect.stringContaining(`${topic}/0 begins at offset 41`)]);
  expect(foundIn(reports)).toEqual({ kafka: [expect.stringContaining(`${events[2]?.id}: zombie`)] });
});
