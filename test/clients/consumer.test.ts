/**
 * The consumer kit on a real broker and a real Postgres: each event is applied once and in its order, whatever is
 * deleted, handed in again or told twice.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { makeOwnDatabase } from '../support/servers.ts';
import { subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';
import { type EventsRoute, startEventsRoute } from './events-route.ts';
import { type Shop, kit, openShop, untilApplied, untilCommitted, upTo, withAdmin } from './kit.ts';
import { type Sent, paidData, send } from './records.ts';

/** Topics of its own: records of theirs are deleted. */
const ENVIRONMENT = 'kit';
const INVOICES = `${ENVIRONMENT}.billing.public.invoices.v1`;
const LINE = `${ENVIRONMENT}.billing.public.invoices`;

let system: System;
let route: EventsRoute;
let shop: Shop;

beforeAll(async () => {
  const DATABASE_URL = await makeOwnDatabase('clients');
  system = await startSystem({ DATABASE_URL, NODE_ENV: ENVIRONMENT, TEMPORAL_NAMESPACE: 'clients' });
  route = await startEventsRoute(system);
});
afterAll(async () => {
  await route?.close();
  await system?.stop();
});
beforeEach(async () => {
  shop = await openShop();
  Object.assign(route, { asked: [], isAway: false, firstSequence: 1 });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ stop }) => stop()));
  await shop.close();
});

const running: { stop: () => Promise<void> }[] = [];
type Options = Parameters<Shop['run']>[0];
async function run(options: Options) {
  const consumer = await shop.run(options);
  running.push(consumer);
  return consumer;
}

/** A topic of the test's own, with its records still to come. */
async function topicOf(version: number, line = `test.billing.public.kit-${randomUUID()}`): Promise<string> {
  const topic = `${line}.v${version}`;
  await withAdmin((admin) => admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 4 }] }));
  return topic;
}

/** An invoice of the service with four events: created, updated, finalized, paid. */
async function paidInvoice(): Promise<{ stream: string; tenantId: string }> {
  const ann = system.caller();
  const { id } = await ann.draft();
  await ann.request('PATCH', `/v1/invoices/${id}`, { body: { name: 'Hosting, December' } });
  await ann.step(id, 'finalize');
  await ann.pay(id);
  const subscriber = await subscribe([INVOICES]);
  await subscriber.waitForEvents(ann.tenantId, 4);
  await subscriber.stop();
  return { stream: `${LINE}|${ann.tenantId}|${id}`, tenantId: ann.tenantId };
}

/** What retention of the broker does: of the tenant's invoice the first events are gone, and what lies before. */
async function deleteRecords(tenantId: string, count = 2): Promise<void> {
  const subscriber = await subscribe([INVOICES]);
  const events = await subscriber.waitForEvents(tenantId, 4);
  await subscriber.stop();
  const last = events.find(({ sequence }) => sequence === count);
  if (!last) throw new Error(`There is no event ${count}.`);
  const partitions = [{ partition: last.partition, offset: String(last.offset + 1) }];
  await withAdmin(async (admin) => {
    // It finds the leaders of those topics only that it was asked about before.
    await admin.fetchTopicOffsets(INVOICES);
    await admin.deleteTopicRecords({ topic: INVOICES, partitions });
  });
}

const sequencesOf = async (stream: string) => (await shop.applied(stream)).map(({ sequence }) => sequence);

it('a gap that deleted records left is filled from the service, in order, and as it was sent', async () => {
  const { stream, tenantId } = await paidInvoice();
  await deleteRecords(tenantId);
  await run({ topics: [INVOICES], rest: { baseUrl: route.url } });
  await waitFor('the last event', async () => (await shop.applied(stream)).length >= 4);
  expect((await shop.applied(stream)).map(({ sequence, type }) => [sequence, type])).toEqual([
    [1, 'billing.invoice.created.v1'],
    [2, 'billing.invoice.updated.v1'],
    [3, 'billing.invoice.finalized.v1'],
    [4, 'billing.invoice.paid.v1'],
  ]);
  const recorded = await system.database.outboxEvent.findMany({
    where: { tenantId, topic: INVOICES },
    orderBy: { sequence: 'asc' },
  });
  expect((await shop.applied(stream)).map(({ id }) => id)).toEqual(recorded.map(({ id }) => id));
  expect(route.asked.map((query) => query.get('afterSequence'))).toContain('0');
});

it('when the last records of a stream are deleted too, the consumer catches up from the service', async () => {
  const { stream, tenantId } = await paidInvoice();
  await deleteRecords(tenantId, 4);
  const consumer = await run({ topics: [INVOICES], rest: { baseUrl: `${route.url}/` } });
  await untilCommitted(shop.groupId, [INVOICES]);
  expect(await sequencesOf(stream)).toEqual([]);
  const options = { topic: INVOICES, tenantId, from: new Date(Date.now() - 24 * 60 * 60_000) };
  expect(await consumer.catchUp(options)).toEqual({ applied: 4, prunedBefore: null });
  expect(await consumer.catchUp(options)).toEqual({ applied: 0, prunedBefore: null });
  expect(await sequencesOf(stream)).toEqual(upTo(4));
});

it('while a gap cannot be filled nothing of its stream is applied', async () => {
  const { stream, tenantId } = await paidInvoice();
  await deleteRecords(tenantId);
  route.isAway = true;
  const errors: unknown[] = [];
  await run({ topics: [INVOICES], rest: { baseUrl: route.url }, onRetry: (error) => errors.push(error) });
  await waitFor('two tries', async () => errors.length >= 2);
  expect(errors[0]).toMatchObject({ name: 'EventError', code: 'gap' });
  expect(await sequencesOf(stream)).toEqual([]);
  route.isAway = false;
  await waitFor('the last event', async () => (await shop.applied(stream)).length >= 4);
  expect(await sequencesOf(stream)).toEqual(upTo(4));
});

it('a consumer that has waited long enough ends with the error, and its offset stays', async () => {
  const { stream, tenantId } = await paidInvoice();
  await deleteRecords(tenantId);
  route.isAway = true;
  const consumer = await run({ topics: [INVOICES], rest: { baseUrl: route.url }, giveUpAfterMs: 1 });
  await expect(consumer.ended).rejects.toMatchObject({ code: 'gap' });
  route.isAway = false;
  await run({ topics: [INVOICES], rest: { baseUrl: route.url } });
  await waitFor('the last event', async () => (await shop.applied(stream)).length >= 4);
  expect(await sequencesOf(stream)).toEqual(upTo(4));
});

it('of events that the service has deleted the subscriber is told, or their partition waits', async () => {
  const { stream, tenantId } = await paidInvoice();
  await deleteRecords(tenantId);
  route.firstSequence = 3;
  const waits = await run({ topics: [INVOICES], rest: { baseUrl: route.url }, giveUpAfterMs: 1 });
  await expect(waits.ended).rejects.toMatchObject({ code: 'lost' });
  expect(await sequencesOf(stream)).toEqual([]);
  const told: unknown[] = [];
  const errors: unknown[] = [];
  await run({
    topics: [INVOICES],
    rest: { baseUrl: route.url },
    lost: async (lost) => void told.push(lost),
    onRetry: (error) => errors.push(error),
  });
  await waitFor('the last event', async () => (await shop.applied(stream)).length >= 2);
  expect(await sequencesOf(stream)).toEqual([3, 4]);
  expect(told).toContainEqual(expect.objectContaining({ stream, from: 1, to: 2 }));
  expect(errors).toEqual([]);
});

/** `count` events of each of the keys, interleaved. */
const eventsOf = (topic: string, keys: readonly string[], sequences: readonly number[]): Sent[] =>
  sequences.flatMap((sequence) => keys.map((key) => ({ topic, key, sequence, factId: randomUUID() })));

const KEYS = upTo(12).map((number) => `key-${number}`);
/** Of records that are sent and not applied: there is always something to do, and a slow machine comes to an end. */
const BACKLOG_MAX = 200;

it('nothing is applied twice or out of order while a member of the group comes and goes, and after its offsets are set back', async () => {
  const topic = await topicOf(1);
  const counts = { ann: 0, ben: 0 };
  const member = (name: keyof typeof counts) =>
    run({
      topics: [topic],
      handlers: {
        'billing.invoice.paid.v1': async (event, client) => {
          await shop.note(event, client);
          counts[name] += 1;
        },
      },
    });
  await member('ann');
  let sequence = 0;
  const sendMore = async () => send(eventsOf(topic, KEYS, [(sequence += 1), (sequence += 1)]));
  const sendUntil = (what: string, condition: () => boolean) =>
    waitFor(what, async () => {
      const waiting = sequence * KEYS.length - counts.ann - counts.ben;
      if (waiting < BACKLOG_MAX) await sendMore();
      return condition();
    });
  await sendUntil('the first member to work', () => counts.ann > 0);
  const ben = await member('ben');
  await sendUntil('the second member to work', () => counts.ben > 20);
  await ben.stop();
  const before = counts.ann;
  await sendUntil('the first member to work alone', () => counts.ann > before + 20);
  await untilApplied(shop, sequence * KEYS.length);
  await untilCommitted(shop.groupId, [topic]);
  await Promise.all(running.splice(0).map(({ stop }) => stop()));

  await withAdmin((admin) => admin.resetOffsets({ groupId: shop.groupId, topic, earliest: true }));
  await sendMore();
  await Promise.all([member('ann'), member('ben')]);
  await untilApplied(shop, sequence * KEYS.length);
  await untilCommitted(shop.groupId, [topic]);
  const expected = Object.fromEntries(KEYS.map((key) => [`${kit.lineOf(topic)}|${key}`, upTo(sequence)]));
  expect(await shop.sequences()).toEqual(expected);
});

it('a handler that fails has changed nothing, and its event is handed in again', async () => {
  const topic = await topicOf(1);
  await send(eventsOf(topic, ['a'], upTo(3)));
  let failures = 2;
  await run({
    topics: [topic],
    handlers: {
      'billing.invoice.paid.v1': async (event, client) => {
        await shop.note(event, client);
        if (event.sequence === 2 && (failures -= 1) >= 0) throw new Error('not yet');
      },
    },
  });
  await untilApplied(shop, 3);
  expect(failures).toBe(-1);
  expect(await shop.sequences()).toEqual({ [`${kit.lineOf(topic)}|a`]: upTo(3) });
});

it('EventWithheld counts as the sequence that it stands for, with a handler and without', async () => {
  const topic = await topicOf(1);
  const withheld = { withheldId: randomUUID(), withheldType: 'billing.invoice.paid.v1', reason: 'too large' };
  await send([
    { topic, key: 'a', sequence: 1 },
    { topic, key: 'a', sequence: 2, type: 'billing.event.withheld.v1', data: withheld },
    { topic, key: 'a', sequence: 3 },
  ]);
  const told: string[] = [];
  const { note } = shop;
  await run({
    topics: [topic],
    handlers: {
      'billing.invoice.paid.v1': note,
      'billing.event.withheld.v1': async ({ data }) => void told.push(data.withheldId),
    },
  });
  await untilApplied(shop, 2);
  expect(told).toEqual([withheld.withheldId]);
  await run({ topics: [topic], groupId: `${shop.groupId}-2`, handlers: { 'billing.invoice.paid.v1': note } });
  await untilApplied(shop, 4);
  expect((await shop.applied()).map(({ sequence }) => sequence)).toEqual([1, 3, 1, 3]);
});

it('events are read in both modes, on one topic and in one stream', async () => {
  const topic = await topicOf(1);
  await send(upTo(6).map((sequence) => ({ topic, key: 'a', sequence, structured: sequence % 2 === 0 })));
  const amounts: string[] = [];
  await run({
    topics: [topic],
    handlers: {
      'billing.invoice.paid.v1': async (event, client) => {
        amounts.push(event.data.payment.amount);
        await shop.note(event, client);
      },
    },
  });
  await untilApplied(shop, 6);
  expect(await shop.sequences()).toEqual({ [`${kit.lineOf(topic)}|a`]: upTo(6) });
  expect(amounts).toEqual(upTo(6).map(() => '1200.00'));
});

it('data that is not as published, and a record that is no event, stop their partition or go to whoever takes them', async () => {
  const topic = await topicOf(1);
  const wrong = { ...paidData, payment: { amount: 12 } };
  await send([
    { topic, key: 'a', sequence: 1, data: { ...paidData, more: 'passes' } },
    { topic, key: 'a', sequence: 2, data: wrong },
    { topic, key: 'a', sequence: 3 },
  ]);
  const stops = await run({ topics: [topic], giveUpAfterMs: 1 });
  await expect(stops.ended).rejects.toMatchObject({ code: 'invalid_data' });
  expect(await shop.sequences()).toEqual({ [`${kit.lineOf(topic)}|a`]: [1] });
  const refused: string[] = [];
  await send([{ topic, key: 'a', sequence: 0 }]);
  await run({ topics: [topic], refused: async ({ code }) => void refused.push(code) });
  await untilCommitted(shop.groupId, [topic]);
  expect(await shop.sequences()).toEqual({ [`${kit.lineOf(topic)}|a`]: [1, 3] });
  expect(refused).toEqual(['invalid_data', 'unreadable']);
});

/** Both versions of the same facts, as one transaction records them. */
async function bothVersions(keys: readonly string[], sequences: readonly number[]) {
  const v1 = await topicOf(1);
  const line = kit.lineOf(v1);
  const v2 = await topicOf(2, line);
  const facts = eventsOf(v1, keys, sequences);
  const asV2 = (event: Sent): Sent => ({ ...event, topic: v2, type: 'billing.invoice.paid.v2' });
  return { v1, v2, line, facts, asV2 };
}

it('a subscriber that reads both versions at once applies each fact once', async () => {
  const { v1, v2, line, facts, asV2 } = await bothVersions(KEYS, upTo(10));
  await run({ topics: [v1, v2], partitionsAtOnce: 4 });
  // Turn by turn the one or the other is first.
  const half = facts.length / 2;
  await send(facts.slice(0, half).map(asV2));
  await send([...facts]);
  await send(facts.slice(half).map(asV2));
  await untilApplied(shop, facts.length);
  await untilCommitted(shop.groupId, [v1, v2]);
  const applied = await shop.applied();
  expect(applied.map(({ factId }) => factId).toSorted()).toEqual(facts.map(({ factId }) => factId).toSorted());
  expect(new Set(applied.map(({ type }) => type)).size).toBe(2);
  expect(await shop.sequences()).toEqual(Object.fromEntries(KEYS.map((key) => [`${line}|${key}`, upTo(10)])));
});

it('a subscriber that reads v1 up to n goes on with v2 from n + 1, key by key', async () => {
  const { v1, v2, line, facts, asV2 } = await bothVersions(KEYS, upTo(10));
  // The keys are left at different sequences.
  const isRead = ({ key, sequence }: Sent) => sequence <= 1 + (KEYS.indexOf(key) % 9);
  const read = facts.filter(isRead);
  await send(read);
  await send(facts.map(asV2));
  const old = await run({ topics: [v1] });
  await untilApplied(shop, read.length);
  await old.stop();
  await run({ topics: [v2] });
  await untilApplied(shop, facts.length);
  await untilCommitted(shop.groupId, [v2]);
  expect(await shop.sequences()).toEqual(Object.fromEntries(KEYS.map((key) => [`${line}|${key}`, upTo(10)])));
  const applied = await shop.applied();
  expect(applied.filter(({ type }) => type === 'billing.invoice.paid.v1').length).toBe(read.length);
});
