/**
 * A range of events sent once more to one subscriber, in real processes: paused, resumed, and its worker killed.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireEventReplay } from '../../event-replays/schemas.ts';
import type { Database } from '../../platform/database.ts';
import { type Caller, createCaller } from '../support/caller.ts';
import { testDatabase } from '../support/database.ts';
import { type Service, startService } from '../support/service.ts';
import { atMost } from '../support/speed.ts';
import { type ReadEvent, type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const INVOICES = 30;
const RATE = 20;
const LIMIT_MS = 5 * 60_000;

let database: Database;
let service: Service;
/** A group of its own on the topics that all read. */
let live: Subscriber;
beforeAll(async () => {
  database = testDatabase();
  service = await startService();
  live = await subscribe();
});
afterAll(async () => {
  await live?.stop();
  await service?.stop();
  await database?.$disconnect();
});

/** As it was on its own topic, of which the replay says the name. */
function asItWas({ topic, key, headers: given, value }: ReadEvent): string {
  const { ce_replayid: _replay, ce_replaytopic: source = topic, ...headers } = given;
  return JSON.stringify([source, key, Object.entries(headers), value]);
}

const sourceOf = (events: readonly ReadEvent[]) =>
  events.map((event) => ({ ...event, topic: event.headers['ce_replaytopic'] ?? event.topic }));

it(
  'MSG-11: a replay arrives whole, in order for each key and byte by byte, though it rests and its worker is killed; on the live topics nothing of it is seen',
  async () => {
    const ann = createCaller(service.url, randomUUID());
    const bob = createCaller(service.url, randomUUID());
    for (let made = 0; made < INVOICES; made += 10)
      await Promise.all(Array.from({ length: 10 }, () => ann.finalized({ name: 'Grüße — "Hosting"' })));
    await bob.draft();
    const count = await database.outboxEvent.count({ where: { tenantId: ann.tenantId } });
    const sentOnce = await live.waitForEvents(ann.tenantId, count);

    const subscriber = `copy-${randomUUID()}`;
    const body = { subscriber, from: { time: '2026-01-01T00:00:00Z' }, rate: RATE, reason: 'Its database was lost' };
    const asked = await ann.request<WireEventReplay>('POST', '/v1/event-replays', { body });
    expect(asked).toMatchObject({
      status: 202,
      body: { status: 'running', topic: `test.billing.replay.${subscriber}.v1`, expected: count },
    });
    const path = asked.headers.get('Location') ?? '';
    const read = async () => (await ann.request<WireEventReplay>('GET', path)).body;
    const copy = await subscribe([asked.body.topic]);
    const after = (events: number) => waitFor('progress', async () => (await read()).sent >= events, LIMIT_MS);

    await after(1);
    const decide = (action: string) => ann.request('POST', `${path}/${action}`, { body: { reason: 'a test' } });
    expect(await decide('pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
    // A worker that starts anew finds that it rests.
    await service.replaceWorker();
    const resting = await untilWorking(ann, read);
    expect(resting.status).toBe('paused');
    expect(resting.sent).toBeLessThan(count);
    expect((await untilWorking(ann, read)).sent).toBe(resting.sent);
    expect(await decide('resume')).toMatchObject({ status: 200, body: { status: 'running' } });
    await after(resting.sent + 1);
    await service.replaceWorker();
    const ended = await waitFor(
      'the end',
      async () => {
        const replay = await read();
        return replay.status === 'running' ? undefined : replay;
      },
      LIMIT_MS,
    );
    expect(ended).toMatchObject({ status: 'completed', sent: count, detail: null, missingBefore: null });
    expect(ended.decisions.map(({ action, actor }) => [action, actor])).toEqual([
      ['pause', 'ann'],
      ['resume', 'ann'],
    ]);

    await waitFor('the copy', async () => copy.firstOf(ann.tenantId).length >= count);
    const copied = copy.firstOf(ann.tenantId);
    expect(copied.map(asItWas).toSorted()).toEqual(sentOnce.map(asItWas).toSorted());
    expect(new Set(copied.map(({ headers }) => headers['ce_replayid']))).toEqual(new Set([ended.id]));
    for (const [stream, sequences] of sequencesByStream(sourceOf(copied)))
      expect(sequences, stream).toEqual(sequences.map((_, index) => index + 1));
    expect(copy.of(bob.tenantId)).toEqual([]);
    expect(live.of(ann.tenantId).filter(({ headers }) => headers['ce_replayid'] !== undefined)).toEqual([]);
    await copy.stop();
  },
  atMost(LIMIT_MS),
);

/** The replay as it is once a worker has carried something else out. */
async function untilWorking(ann: Caller, read: () => Promise<WireEventReplay>): Promise<WireEventReplay> {
  await ann.draft();
  return read();
}
