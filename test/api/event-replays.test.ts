/** Replays of events: what is asked for, what staff see and send, and what happens when Kafka will not take it. */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import type { WireEventReplay } from '../../event-replays/schemas.ts';
import { type EventSink, RefusedByBroker, type StoredEvent } from '../../messaging/event-sink.ts';
import { eventReplayWorkflowId } from '../../workflows/contract/event-replay.ts';
import type { EventReplayView } from '../../workflows/contract/event-replay.ts';
import { noParts, testActivities } from '../support/activities.ts';
import type { Answer, Caller, Problem } from '../support/caller.ts';
import { staffAt } from '../support/staff.ts';
import { type ReadEvent, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const REPLAYS = '/v1/event-replays';
const INVOICES = 'test.billing.public.invoices.v1';
const LONG_AGO = '2026-01-01T00:00:00Z';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

type Body = Record<string, unknown>;
type Replay = WireEventReplay & Problem & { firstSequence?: number };

const newSubscriber = () => `copy-${randomUUID()}`;
const ask = (caller: Caller, body: Body, headers: Record<string, string> = {}): Promise<Answer<Replay>> =>
  caller.request('POST', REPLAYS, {
    headers,
    body: { subscriber: newSubscriber(), from: { time: LONG_AGO }, reason: 'a test', ...body },
  });
const read = async (caller: Caller, id: string) => (await caller.request<Replay>('GET', `${REPLAYS}/${id}`)).body;
const decide = (caller: Caller, id: string, action: string) =>
  caller.request<Replay>('POST', `${REPLAYS}/${id}/${action}`, { body: { reason: 'a test' } });
const ended = (caller: Caller, id: string) =>
  waitFor('the end', async () => {
    const replay = await read(caller, id);
    return replay.endedAt === null ? undefined : replay;
  });
const staff = (id: string) => staffAt(system.temporal.client, system.temporal.namespace, eventReplayWorkflowId(id));

/** What a replay has sent, when it has ended. */
async function sentBy(caller: Caller, body: Body): Promise<ReadEvent[]> {
  const { status, body: asked } = await ask(caller, body);
  expect(status, JSON.stringify(asked)).toBe(202);
  const { sent, status: how } = await ended(caller, asked.id);
  expect(how).toBe('completed');
  const copy = await subscribe([asked.topic]);
  const ofIt = () => [...copy.of(caller.tenantId)].filter(({ headers }) => headers['ce_replayid'] === asked.id);
  await waitFor('the events', async () => ofIt().length >= sent);
  await copy.stop();
  return ofIt();
}

const eventsOf = (tenantId: string) =>
  system.database.outboxEvent.findMany({
    where: { tenantId },
    orderBy: [{ transactionId: 'asc' }, { position: 'asc' }],
  });

describe('MSG-11: the range', () => {
  it('begins at an instant or an event, ends at an instant, and is what the filters name', async () => {
    const ann = system.caller();
    const early = await ann.finalized();
    const late = await ann.finalized();
    const stored = await eventsOf(ann.tenantId);
    const ids = (events: readonly { id: string }[]) => events.map(({ id }) => id).toSorted();
    const beginning = (id: string) => stored.slice(stored.findIndex((event) => event.id === id));
    const [second] = stored.filter(({ stream }) => stream === `${INVOICES}|${ann.tenantId}|${early.id}`).slice(1);
    const middle = second ?? stored[0];
    if (!middle) throw new Error('There is no event.');

    expect(ids(await sentBy(ann, {}))).toEqual(ids(stored));
    expect(ids(await sentBy(ann, { from: { eventId: middle.id } }))).toEqual(ids(beginning(middle.id)));
    const place = { topic: INVOICES, subject: early.id, sequence: Number(middle.sequence) };
    expect(ids(await sentBy(ann, { from: place }))).toEqual(ids(beginning(middle.id)));
    const paid = { types: ['billing.invoice.finalized.v1'] };
    expect(ids(await sentBy(ann, paid))).toEqual(ids(stored.filter(({ type }) => type === paid.types[0])));
    const about = stored.filter(({ stream }) => stream.endsWith(late.id));
    expect(ids(await sentBy(ann, { subject: late.id }))).toEqual(ids(about));
    expect(ids(await sentBy(ann, { subject: late.id, topic: INVOICES }))).toEqual(
      ids(about.filter(({ topic }) => topic === INVOICES)),
    );
    const to = about[0]?.recordedAt.toISOString() ?? '';
    const before = stored.filter(({ recordedAt }) => recordedAt < new Date(to));
    expect(ids(await sentBy(ann, { to }))).toEqual(ids(before));
  });

  it('TEN-02: has the events of one tenant, and on a subscriber’s topic are no other’s; who may act for all has all', async () => {
    const [ann, bob] = [system.caller(), system.caller()];
    const { id } = await ann.draft();
    await bob.draft();
    const [first] = await eventsOf(ann.tenantId);
    const subscriber = newSubscriber();
    expect(await sentBy(bob, { subscriber })).toHaveLength((await eventsOf(bob.tenantId)).length);
    expect(await ask(ann, { subscriber })).toMatchObject({ status: 409, body: { code: 'subscriber_taken' } });
    expect(await ask(bob, { from: { eventId: first?.id } })).toMatchObject({ status: 422 });
    expect(await ask(bob, { from: { topic: INVOICES, subject: id, sequence: 1 } })).toMatchObject({ status: 422 });
    const listed = await bob.request<{ items: Replay[] }>('GET', REPLAYS);
    expect(listed.body.items.map((item) => item.subscriber)).toEqual([subscriber]);

    const operator = system.caller('00000000-0000-0000-0000-000000000000');
    expect(await ask(operator, { subject: id })).toMatchObject({ status: 400, body: { code: 'tenant_required' } });
    const all = await ask(operator, { from: { eventId: first?.id } });
    const { topic, sent } = await ended(operator, all.body.id);
    const copy = await subscribe([topic]);
    await waitFor('both', async () => copy.of(ann.tenantId).length > 0 && copy.of(bob.tenantId).length > 0);
    expect(sent).toBeGreaterThanOrEqual(2);
    await copy.stop();
  });

  it('what cannot be sent is refused; a key means one replay; a subscriber has one at a time', async () => {
    const ann = system.caller();
    const { id } = await ann.finalized();
    const place = { topic: INVOICES, subject: id, sequence: 1 };
    const wrong: [Body, string][] = [
      [{ subscriber: 'Ledger Copy' }, 'subscriber'],
      [{ subscriber: 'a-' }, 'subscriber'],
      [{ subscriber: 'a'.repeat(61) }, 'subscriber'],
      [{ rate: 0 }, 'rate'],
      [{ rate: 1_001 }, 'rate'],
      [{ from: { time: '2099-01-01T00:00:00Z' } }, 'from.time'],
      [{ from: { eventId: randomUUID() } }, 'from.eventId'],
      [{ from: { ...place, sequence: 99 } }, 'from.sequence'],
      [{ reason: '' }, 'reason'],
    ];
    for (const [body, path] of wrong) {
      const { status, body: problem } = await ask(ann, body);
      expect({ status, path: problem.errors?.[0]?.path }, JSON.stringify(body)).toEqual({ status: 422, path });
    }
    const stream = `${INVOICES}|${ann.tenantId}|${id}`;
    await system.database.stream.update({ where: { stream }, data: { prunedThrough: 1n } });
    await system.database.outboxEvent.deleteMany({ where: { stream, sequence: 1n } });
    expect(await ask(ann, { from: place })).toMatchObject({
      status: 410,
      body: { code: 'events_pruned', firstSequence: 2 },
    });

    const [key, subscriber] = [{ 'Idempotency-Key': randomUUID() }, newSubscriber()];
    const body = { subscriber, rate: 1 };
    const first = await ask(ann, body, key);
    expect((await ask(ann, body, key)).body.id).toBe(first.body.id);
    expect(await ask(ann, { ...body, rate: 2 }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await ask(ann, { subscriber })).toMatchObject({ status: 409, body: { code: 'subscriber_busy' } });
    expect(await decide(ann, first.body.id, 'stop')).toMatchObject({ status: 200, body: { status: 'stopped' } });
    expect(await decide(ann, first.body.id, 'resume')).toMatchObject({
      status: 409,
      body: { code: 'replay_decision_refused' },
    });
    expect((await ask(ann, { subscriber })).status).toBe(202);
  });
});

describe('staff', () => {
  it('see how far it is and what to press; pause, terminate and resume lose nothing', async () => {
    const ann = system.caller();
    for (let made = 0; made < 3; made += 1) await ann.finalized();
    const { body } = await ask(ann, { rate: 1 });
    const { id, subscriber } = body;
    const page = await waitFor('its page', async () => (await staff(id).details()) || undefined);
    expect(page).toContain(`Events once more for ${subscriber.replaceAll('-', '\\-')}: running`);
    expect(page).toContain('send the update `pause`');
    await expect(staff(id).update('resume', { actor: 'eve', reason: 'too early' })).rejects.toMatchObject({
      cause: { type: 'replay_decision_refused', message: 'The replay is running: resume does not fit.' },
    });
    for (const malformed of [undefined, {}, { actor: 'eve' }, { actor: '', reason: 'x' }, 'pause'])
      await expect(staff(id).update('pause', malformed)).rejects.toMatchObject({
        cause: { type: 'malformed_request' },
      });
    expect(await staff(id).update('pause', { actor: 'eve', reason: 'It | lags' })).toMatchObject({ status: 'paused' });
    const paused = await waitFor('the pause', async () => {
      const text = await staff(id).details();
      return text.includes('| pause | eve | It \\| lags |') ? text : undefined;
    });
    expect(paused).toContain('send the update `resume`');
    await staff(id).requestCancellation();
    await staff(id).terminate();
    const { sent } = await read(ann, id);
    expect(await read(ann, id)).toMatchObject({ status: 'paused', sent });
    expect(await decide(ann, id, 'resume')).toMatchObject({ status: 200 });
    expect((await ended(ann, id)).status).toBe('completed');
    await staff(id).waitForStatus('COMPLETED');
    expect(await staff(id).details()).toContain('Nothing: it has ended, for good.');
  });
});

describe('Kafka', () => {
  /** A replay that no worker has ever had: what one has begun goes on for a moment when its workflow is ended. */
  async function replayOf(ann: Caller): Promise<string> {
    const { id } = (await ask(ann, { rate: 1 })).body;
    await decide(ann, id, 'stop');
    const { eventReplay } = system.database;
    const row = await eventReplay.findUniqueOrThrow({ where: { id } });
    const copy = await eventReplay.create({
      data: {
        ...row,
        id: randomUUID(),
        status: 'running',
        detail: null,
        endedAt: null,
        sent: 0n,
        transactionId: 0n,
        position: 0n,
        rate: 1_000,
        workflowStartedAt: new Date(),
      },
    });
    return copy.id;
  }
  const run = (replayId: string, sink: EventSink): Promise<EventReplayView | null> =>
    new MockActivityEnvironment().run<
      Parameters<Activities['sendReplayPiece']>,
      EventReplayView | null,
      Activities['sendReplayPiece']
    >(testActivities(system.database, { openSink: () => sink }).sendReplayPiece, { replayId });
  const sinkOf = (send: (events: readonly StoredEvent[]) => void): EventSink => ({
    ...noParts,
    prepare: async () => undefined,
    close: async () => undefined,
    send: async (events) => send(events),
  });

  it('MSG-11: what retention deletes while it is under way is told', async () => {
    const ann = system.caller();
    await ann.finalized();
    const id = await replayOf(ann);
    const last = await system.database.outboxEvent.findFirstOrThrow({
      where: { tenantId: ann.tenantId },
      orderBy: { position: 'desc' },
    });
    await system.database.$executeRaw`
      INSERT INTO pruned_events (tenant_id, transaction_id, position, recorded_at)
      VALUES (${ann.tenantId}::uuid, 0, ${last.position}, now())`;
    await run(
      id,
      sinkOf(() => undefined),
    );
    expect((await read(ann, id)).missingBefore).not.toBeNull();
  });

  it('MSG-11: away: nothing counts as sent, and it goes on where it was', async () => {
    const ann = system.caller();
    await ann.finalized();
    const id = await replayOf(ann);
    await expect(
      run(
        id,
        sinkOf(() => {
          throw new Error('away');
        }),
      ),
    ).rejects.toThrow('away');
    expect(await read(ann, id)).toMatchObject({ status: 'running', sent: 0 });
    const count = (await eventsOf(ann.tenantId)).length;
    expect(
      await run(
        id,
        sinkOf(() => undefined),
      ),
    ).toMatchObject({ status: 'completed', sent: count });
  });

  it('MSG-11: an event that is refused for good ends it, is named, and those before it count', async () => {
    const ann = system.caller();
    await ann.finalized();
    const id = await replayOf(ann);
    const stored = await eventsOf(ann.tenantId);
    const bad = stored[2]?.id ?? '';
    const taken: string[] = [];
    const sink = sinkOf((events) => {
      if (events.some(({ headers }) => headers.includes(bad))) throw new RefusedByBroker('MESSAGE_TOO_LARGE');
      taken.push(...events.map(({ headers }) => (JSON.parse(headers) as Record<string, string>)['ce_id'] ?? ''));
    });
    expect(await run(id, sink)).toMatchObject({ status: 'refused', sent: 2 });
    expect(taken).toEqual(stored.slice(0, 2).map((event) => event.id));
    const { detail } = await read(ann, id);
    expect(detail).toBe(`Kafka refuses the event ${bad} for good: MESSAGE_TOO_LARGE`);
  });

  it('MSG-07: one that a restored database still has ends, and says why', async () => {
    const ann = system.caller();
    await ann.draft();
    const id = await replayOf(ann);
    await system.database.eventReplay.update({ where: { id }, data: { epoch: randomUUID() } });
    expect(
      await run(
        id,
        sinkOf(() => undefined),
      ),
    ).toMatchObject({ status: 'stopped', sent: 0 });
  });
});
