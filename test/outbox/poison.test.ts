/**
 * MSG-04: events that the real broker refuses for good, among those of a thousand invoices, and how they are mended.
 */
import type { DecisionAnswer } from '../../workflows/contract/dead-letter.ts';
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dateOf } from '../../values/dates.ts';
import type { WireDeadLetter, WireDeadLetterSummary } from '../../dead-letters/schemas.ts';
import { RefusedByBroker } from '../../messaging/event-sink.ts';
import { publishPending } from '../../messaging/publish.ts';
import { createLogger } from '../../platform/logger.ts';
import { noParts } from '../support/activities.ts';
import type { Caller } from '../support/caller.ts';
import { manyDrafts } from '../support/drafts.ts';
import { decide, edit, deadLetterOf } from '../support/dead-letters.ts';
import { staffOfDeadLetter } from '../support/staff.ts';
import { type ReadEvent, type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const INVOICES = 1_000;
/** So many of them are due today: a billing run gives each a second event. */
const DUE = 50;
const TOPIC = 'test.billing.public.invoices.v1';
/** Above the broker's limit of 1 MiB. */
const TOO_LARGE = 'x'.repeat(1_200_000);
const WITHHELD = 'billing.event.withheld.v1';

interface Poison {
  /** The partition key of its stream. */
  key: string;
  id: string;
  /** What the event was before it became too large. */
  value: string;
}

let system: System;
let subscriber: Subscriber;
let ann: Caller;
let poison: Poison[];
/** The dead letter whose workflow nobody has started. */
let forgotten: { id: string; tenantId: string };

beforeAll(async () => {
  const quiet = await startSystem({}, { worker: false });
  ann = quiet.caller();
  const today = dateOf(new Date().toISOString());
  const due = await manyDrafts(quiet.database, ann.tenantId, DUE, today);
  poison = await Promise.all([3, 14, 15, 26, 49].map((n) => spoil(quiet, `${ann.tenantId}|${due[n]}`)));
  await manyDrafts(quiet.database, ann.tenantId, INVOICES - DUE, null);
  forgotten = await refuseAndCrash(quiet);
  await quiet.stop();
  system = await startSystem();
  subscriber = await subscribe();
  ann = system.caller(ann.tenantId);
  await ann.request('POST', '/v1/billing-runs', { body: { businessDate: today } });
});
afterAll(async () => {
  await subscriber?.stop();
  await system?.stop();
});

/** Makes the first event of a stream too large for the broker. */
async function spoil({ database }: System, key: string): Promise<Poison> {
  const where = { topic: TOPIC, partitionKey: key, sequence: 1n };
  const { id, value } = await database.outboxEvent.findFirstOrThrow({ where });
  const { invoice, ...data } = JSON.parse(value) as { invoice: object };
  const large = JSON.stringify({ ...data, invoice: { ...invoice, name: TOO_LARGE } });
  await database.outboxEvent.update({ where: { id }, data: { value: large } });
  return { id, value, key };
}

/** A relay that dies after it has blocked a stream, before it has started the dead letter's workflow. */
async function refuseAndCrash({ database }: System) {
  const tenantId = randomUUID();
  await manyDrafts(database, tenantId, 1, null);
  const refuse = async (events: readonly { partitionKey: string }[]) => {
    const isOurs = events.every(({ partitionKey }) => partitionKey.startsWith(tenantId));
    throw isOurs ? new RefusedByBroker('TOPIC_AUTHORIZATION_FAILED') : new Error('away');
  };
  const sink = { ...noParts, send: refuse, prepare: async () => undefined, close: async () => undefined };
  const logger = createLogger({ level: 'silent', name: 'test' });
  await database.outboxEvent.updateMany({ where: { tenantId }, data: { slot: 7_919 } });
  await publishPending({ database, sink, logger }, 7_919, 1_000_003);
  const { id } = await database.deadLetter.findFirstOrThrow({ where: { tenantId, topic: TOPIC } });
  return { id, tenantId };
}

const staff = (id: string) => staffOfDeadLetter(system.temporal.client, system.temporal.namespace, id);
const deadLetters = async (query = ''): Promise<WireDeadLetterSummary[]> =>
  (await ann.request<{ items: WireDeadLetterSummary[] }>('GET', `/v1/dead-letters?${query}`)).body.items;
const streams = async () => {
  const found = await system.database.stream.findMany({
    where: { stream: { startsWith: `${TOPIC}|${ann.tenantId}` } },
  });
  const done = found.filter(({ lastSequence, lastPublished }) => lastPublished === lastSequence);
  return { done: done.length, blocked: found.filter(({ blockedBy }) => blockedBy !== null) };
};
const read = (key: string): ReadEvent[] =>
  subscriber.firstOf(ann.tenantId).filter((event) => event.topic === TOPIC && event.key === key);
const deadLetterAbout = async ({ id }: Poison): Promise<WireDeadLetter> => {
  // A busy machine may not give a connection in time.
  const deadLetter = await waitFor('the dead letter', () =>
    system.database.deadLetter.findUnique({ where: { outboxEventId: id } }),
  );
  return deadLetterOf(ann, deadLetter.id);
};

it('MSG-04: five poison events among those of a thousand invoices: 995 streams flow, five wait, each with a dead letter', async () => {
  await waitFor('995 streams', async () => (await streams()).done === INVOICES - 5, 120_000);
  const { blocked } = await streams();
  expect(blocked.map(({ blockedBy }) => blockedBy).toSorted()).toEqual(poison.map(({ id }) => id).toSorted());
  for (const { lastPublished, blockedReason } of blocked)
    expect([lastPublished, blockedReason]).toEqual([0n, 'MESSAGE_TOO_LARGE']);
  expect(await deadLetters('direction=inbound')).toEqual([]);
  const open = await deadLetters('direction=outbound&status=open');
  expect(open.map(({ eventId }) => eventId).toSorted()).toEqual(poison.map(({ id }) => id).toSorted());
  for (const deadLetter of open) {
    expect(deadLetter).toMatchObject({ reason: 'MESSAGE_TOO_LARGE', topic: TOPIC, type: 'billing.invoice.created.v1' });
    expect(deadLetter).toMatchObject({ partition: null, offset: null, attempts: 1, resolution: null });
    const details = await waitFor('the page', async () => {
      const text = await staff(deadLetter.id).details();
      return text.includes('**Open:** `MESSAGE_TOO_LARGE`') && text;
    });
    expect(details).toMatch(/`replay`[^]+`edit`[^]+`withhold`/);
    expect(details).not.toContain('`discard`');
    expect(await staff(deadLetter.id).searchAttributes()).toMatchObject({
      Topic: [TOPIC],
      EventType: ['billing.invoice.created.v1'],
      FailureReason: ['MESSAGE_TOO_LARGE'],
      BillingTenant: [ann.tenantId],
    });
  }
  for (const { key } of poison) expect(read(key)).toEqual([]);
});

it('MSG-05: what does not fit the event is refused, and changes nothing', async () => {
  const [first, other] = poison as [Poison, Poison];
  const { id } = await deadLetterAbout(first);
  const data = JSON.parse(first.value) as { invoice: object };
  const payloads = {
    'no JSON': '{',
    'a member missing': JSON.stringify({ invoice: data.invoice }),
    'a member too many': JSON.stringify({ ...data, note: 'x' }),
    'another invoice': other.value,
    'another tenant': JSON.stringify({ ...data, tenantId: '11111111-1111-4111-8111-111111111111' }),
  };
  for (const [what, payload] of Object.entries(payloads))
    expect(await edit(ann, id, payload), what).toMatchObject({ status: 422, body: { code: 'payload_refused' } });
  expect(await decide(ann, id, 'discard')).toMatchObject({
    status: 409,
    body: { code: 'decision_refused', detail: expect.stringContaining('withhold') },
  });
  await expect(staff(id).update('discard', { operator: 'bob', reason: 'x' })).rejects.toThrow('Update failed');
  expect(await deadLetterAbout(first)).toMatchObject({ status: 'open', attempts: 1, editedPayload: null });
  expect(await audit(id)).toEqual([]);
});

const audit = (entityId: string) =>
  system.database.auditEntry.findMany({ where: { entityType: 'dead_letter', entityId }, orderBy: { sequence: 'asc' } });

/** Each way to mend one, as an application and as support would do it; `named` says that EventWithheld names it. */
const ways: { what: string; named: boolean; mend: (id: string, event: Poison) => Promise<unknown> }[] = [
  {
    what: 'over REST: refused again, then edited and replayed',
    named: false,
    mend: async (id, { value }) => {
      expect(await decide(ann, id, 'replay')).toMatchObject({ status: 200, body: { status: 'open', attempts: 2 } });
      expect(await edit(ann, id, value)).toMatchObject({ status: 200, body: { status: 'open', editedPayload: value } });
      expect(await decide(ann, id, 'replay')).toMatchObject({ status: 200, body: { resolution: 'replayed' } });
      const chain = await audit(id);
      expect(chain.map(({ action, status }) => [action, status])).toEqual([
        ['replay', 'open'],
        ['edit', 'open'],
        ['replay', 'replayed'],
      ]);
      expect(chain[1]?.body).toContain(TOO_LARGE);
      expect(chain.slice(1).map(({ previousHash }) => previousHash)).toEqual(chain.slice(0, 2).map(({ hash }) => hash));
    },
  },
  {
    what: 'in the Web UI: edited and replayed',
    named: false,
    mend: async (id, { value }) => {
      const request = { operator: 'bob', reason: 'the name was far too long' };
      await staff(id).update('edit', { ...request, payload: value });
      expect(await staff(id).details()).toContain('As it was edited');
      const answer = (await staff(id).update('replay', request)) as DecisionAnswer;
      expect(answer).toMatchObject({ status: 'replayed', attempts: 2 });
    },
  },
  {
    what: 'over REST: withheld',
    named: true,
    mend: async (id) =>
      expect(await decide(ann, id, 'withhold', 'too large')).toMatchObject({ body: { resolution: 'withheld' } }),
  },
  {
    what: 'in the Web UI: withheld',
    named: true,
    mend: async (id) =>
      expect(await staff(id).update('withhold', { operator: 'bob', reason: 'too large' })).toMatchObject({
        status: 'withheld',
      }),
  },
  {
    what: 'the topic’s limit raised, then replayed',
    named: false,
    mend: async (id) => {
      await setLimit([{ name: 'max.message.bytes', value: '3000000' }]);
      const replayed = await waitFor('the new limit', async () => {
        const { body } = await decide(ann, id, 'replay');
        return body.resolution === 'replayed' && body;
      });
      expect(replayed.attempts).toBeGreaterThan(1);
      await setLimit([]);
    },
  },
];

/** Sets the topic's own settings; what is not named is the broker's. */
async function setLimit(configEntries: { name: string; value: string }[]): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: system.config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: TOPIC, configEntries };
  await admin.alterConfigs({ validateOnly: false, resources: [resource] });
  await admin.disconnect();
}

it('MSG-01, MSG-02: each is mended in its place: sent, or named by EventWithheld under its key and sequence', async () => {
  for (const [n, { named, mend }] of ways.entries()) {
    const event = poison[n] as Poison;
    const { id } = await deadLetterAbout(event);
    await mend(id, event);
    const [first, second] = await waitFor('the stream', async () => read(event.key).length >= 2 && read(event.key));
    expect([first?.sequence, second?.sequence]).toEqual([1, 2]);
    expect(first?.headers).toMatchObject({ ce_partitionkey: event.key, ce_tenantid: ann.tenantId });
    const type = 'billing.invoice.created.v1';
    const stands = { type: WITHHELD, data: { withheldId: event.id, withheldType: type, reason: 'too large' } };
    expect(first).toMatchObject(named ? stands : { id: event.id, type });
    await staff(id).waitForStatus('COMPLETED');
    const deadLetter = await deadLetterOf(ann, id);
    expect(deadLetter).toMatchObject({ status: 'resolved', resolution: named ? 'withheld' : 'replayed' });
    expect(deadLetter.payload).toContain(TOO_LARGE);
    expect((await audit(id)).at(-1)?.status).toBe(deadLetter.resolution);
  }
});

it('MSG-02: in the end every stream is whole on Kafka, and the withheld events are nowhere', async () => {
  await waitFor('all streams', async () => (await streams()).done === INVOICES);
  const count = await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } });
  const events = await subscriber.waitForEvents(ann.tenantId, count);
  const numbers = [...sequencesByStream(events).values()];
  expect(numbers.filter((sequences) => sequences.some((sequence, index) => sequence !== index + 1))).toEqual([]);
  const withheld = poison.filter((_, n) => ways[n]?.named).map(({ id }) => id);
  expect(events.filter(({ id }) => withheld.includes(id))).toEqual([]);
  expect(events.filter(({ type }) => type === WITHHELD).map(({ data }) => data['withheldId'])).toEqual(withheld);
});

it('MSG-04: a crash between the block and the workflow’s start: the workflow is started, and the event can be sent', async () => {
  const { id, tenantId } = forgotten;
  const bob = system.caller(tenantId);
  await waitFor('its workflow', async () => {
    const deadLetter = await system.database.deadLetter.findUnique({ where: { id } });
    return deadLetter?.workflowStartedAt;
  });
  expect(await staff(id).status()).toBe('RUNNING');
  expect(await deadLetterOf(bob, id)).toMatchObject({ direction: 'outbound', reason: 'TOPIC_AUTHORIZATION_FAILED' });
  expect(await decide(bob, id, 'replay')).toMatchObject({ status: 200, body: { resolution: 'replayed' } });
  const [event] = await subscriber.waitForEvents(tenantId, 1);
  expect(event).toMatchObject({ sequence: 1 });
});
