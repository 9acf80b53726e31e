/** What must hold when a relay or a decision comes at the wrong moment: without workflows, activity by activity. */
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import { type EventSink, RefusedByBroker } from '../../messaging/event-sink.ts';
import { publishPending } from '../../messaging/publish.ts';
import type { Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { testActivities, noParts } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
// A slot number that no stream of other tests has.
const SHARDS = 1_000_003;
const SHARD = 999_983;
const WITHHELD = 'billing.event.withheld.v1';

let database: Database;
/** What the broker has taken, by CloudEvent id. */
let taken: string[] = [];
let refuses = true;
const broker: EventSink = {
  ...noParts,
  prepare: async () => undefined,
  close: async () => undefined,
  send: async (events) => {
    if (refuses) throw new RefusedByBroker('TOPIC_AUTHORIZATION_FAILED');
    taken.push(...events.map(({ headers }) => (JSON.parse(headers) as Record<string, string>)['ce_id'] ?? ''));
  },
};
let activities: Activities;
beforeAll(() => {
  database = testDatabase();
  activities = testActivities(database, { replaySink: broker });
});
afterAll(() => database?.$disconnect());

const publish = (sink: EventSink = broker) => publishPending({ database, sink, logger }, SHARD, SHARDS);
const decision = (deadLetterId: string) => ({ deadLetterId, operator: 'ann', reason: 'a test', decisionId: uuidv7() });
const streamOf = (stream: string) => database.stream.findUniqueOrThrow({ where: { stream } });
const deadLetterAbout = (outboxEventId: string) => database.deadLetter.findUniqueOrThrow({ where: { outboxEventId } });
const firstOf = (stream: string) => database.outboxEvent.findFirstOrThrow({ where: { stream, sequence: 1n } });

/** A stream of two events, the first of which the broker has refused. */
async function refusedStream() {
  const tenantId = randomUUID();
  const key = `${tenantId}|${randomUUID()}`;
  const stream = `test.withheld|${key}`;
  await database.stream.create({ data: { stream, lastSequence: 2n } });
  const ids = [uuidv7(), uuidv7()];
  for (const [index, id] of ids.entries()) {
    const sequence = BigInt(index + 1);
    const headers = JSON.stringify({ ce_id: id, ce_sequence: String(sequence), ce_tenantid: tenantId });
    const type = 'billing.invoice.created.v1';
    const place = { stream, slot: SHARD, topic: 'test.withheld', partitionKey: key };
    await database.outboxEvent.create({ data: { id, tenantId, sequence, type, headers, value: '{}', ...place } });
  }
  refuses = true;
  taken = [];
  await publish();
  const [first = '', second = ''] = ids;
  return { stream, first, second, deadLetter: await deadLetterAbout(first) };
}

it('MSG-01: an EventWithheld that is refused too has a dead letter of its own, which can only be replayed', async () => {
  const { stream, second, deadLetter } = await refusedStream();
  await activities.withholdEvent(decision(deadLetter.id));
  await publish();
  const { id: withheldId } = await firstOf(stream);
  const { id, type } = await deadLetterAbout(withheldId);
  expect(type).toBe(WITHHELD);
  await expect(activities.withholdEvent(decision(id))).rejects.toThrow('names another event');
  await expect(activities.editMessage({ ...decision(id), payload: '{}' })).rejects.toThrow('names another event');
  refuses = false;
  expect((await activities.replayMessage(decision(id))).resolution).toMatchObject({ as: 'replayed' });
  await publish();
  expect(taken).toEqual([withheldId, second]);
  expect(await streamOf(stream)).toMatchObject({ lastPublished: 2n, blockedBy: null, blockedReason: null });
});

it('MSG-02: while its event is replayed, a stream waits: a relay sends nothing of it', async () => {
  const { stream, first, second, deadLetter } = await refusedStream();
  refuses = false;
  let published = -1;
  const slow = testActivities(database, {
    replaySink: {
      ...broker,
      send: async (events) => {
        published = await publish();
        await broker.send(events);
      },
    },
  });
  await slow.replayMessage(decision(deadLetter.id));
  expect(published).toBe(0);
  await publish();
  expect(taken).toEqual([first, second]);
  expect(await streamOf(stream)).toMatchObject({ lastPublished: 2n, blockedBy: null });
});

// Somebody has terminated the dead letter's workflow, or given the replay up, while the send was on its way.
it('MSG-01: while a replay may be on its way, its event is not withheld', async () => {
  const { stream, first, deadLetter } = await refusedStream();
  refuses = false;
  const meanwhile: unknown[] = [];
  const slow = testActivities(database, {
    replaySink: {
      ...broker,
      send: async (events) => {
        meanwhile.push(await activities.withholdEvent(decision(deadLetter.id)).catch(String));
        await broker.send(events);
      },
    },
  });
  await slow.replayMessage(decision(deadLetter.id));
  expect(meanwhile).toEqual([expect.stringContaining('may still be on its way')]);
  expect(taken).toEqual([first]);
  expect(await firstOf(stream)).toMatchObject({ id: first, value: '{}' });
});

it('a replay that was refused is not on its way any more', async () => {
  const { stream, deadLetter } = await refusedStream();
  await activities.replayMessage(decision(deadLetter.id));
  await activities.withholdEvent(decision(deadLetter.id));
  expect((await firstOf(stream)).type).toBe(WITHHELD);
});

// A process that was suspended in the middle of a send, and wakes up after a person has decided.
it.each([
  { how: 'with a refusal', late: new RefusedByBroker('TOPIC_AUTHORIZATION_FAILED') },
  { how: 'with an acknowledgement', late: undefined },
])('MSG-02: a relay that comes late $how does not touch what was put in its event’s place', async ({ late }) => {
  const { stream, first, second, deadLetter } = await refusedStream();
  await database.stream.update({ where: { stream }, data: { blockedBy: null, blockedReason: null } });
  let wakeUp: () => void = () => undefined;
  const suspended = new Promise<void>((resolve) => (wakeUp = resolve));
  let reach: () => void = () => undefined;
  const atTheBroker = new Promise<void>((resolve) => (reach = resolve));
  const relay = publish({
    ...broker,
    send: async (events) => {
      // Only what is refused alone is refused for good: the batch of both comes first.
      if (late && events.length > 1) throw late;
      reach();
      await suspended;
      if (late) throw late;
    },
  });
  await atTheBroker;
  await database.stream.update({ where: { stream }, data: { blockedBy: first, blockedReason: 'x' } });
  await activities.withholdEvent(decision(deadLetter.id));
  wakeUp();
  await relay;
  const { id: withheldId, publishedAt } = await firstOf(stream);
  expect(publishedAt).toBeNull();
  expect(await streamOf(stream)).toMatchObject({ lastPublished: 0n, blockedBy: null });
  refuses = false;
  await publish();
  expect(taken).toEqual([withheldId, second]);
  expect(await streamOf(stream)).toMatchObject({ lastPublished: 2n, blockedBy: null });
});

it('MSG-04: an event that was sent after all is not withheld; a replay only lets its stream go on', async () => {
  const { stream, first, second, deadLetter } = await refusedStream();
  await database.outboxEvent.update({ where: { id: first }, data: { publishedAt: new Date() } });
  await expect(activities.withholdEvent(decision(deadLetter.id))).rejects.toThrow('is on Kafka after all');
  expect((await activities.replayMessage(decision(deadLetter.id))).resolution).toMatchObject({ as: 'replayed' });
  refuses = false;
  await publish();
  expect(taken).toEqual([second]);
  expect(await streamOf(stream)).toMatchObject({ lastPublished: 2n, blockedBy: null });
});

it('MSG-04: refused again after its stream was let go by hand, the same dead letter is open and says so', async () => {
  const { stream, first, deadLetter } = await refusedStream();
  await database.stream.update({ where: { stream }, data: { blockedBy: null, blockedReason: null } });
  await publish();
  expect(await deadLetterAbout(first)).toMatchObject({ id: deadLetter.id, attempts: 2, resolution: null });
  expect(await streamOf(stream)).toMatchObject({ blockedBy: first });
});
