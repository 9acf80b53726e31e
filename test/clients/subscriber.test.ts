/** The subscriber of the kit on a real Postgres, handed records that no broker has brought. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type * as Events from '../../clients/typescript/events/src/index.ts';
import { type Shop, kit, openShop } from './kit.ts';
import { type Sent, recordOf } from './records.ts';

const V1 = 'prod.billing.public.invoices.v1';
const V2 = 'prod.billing.public.invoices.v2';
const record = (sent: Omit<Sent, 'key'>) => ({ topic: sent.topic, ...recordOf({ key: 'a', ...sent }) });
const v1 = (sequence: number) => record({ topic: V1, sequence });
const v2 = (sequence: number, type = 'billing.invoice.paid.v2') => record({ topic: V2, sequence, type });

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop.close());

/** Of the shop; it handles version 1 of what the records tell, and nothing is missing, unless the test says so. */
function subscriberWith(options: Partial<Events.SubscriberOptions>): Events.Subscriber {
  const { pool, groupId: consumer, note } = shop;
  const handlers = { 'billing.invoice.paid.v1': note };
  return kit.createSubscriber({ pool, consumer, handlers, missing: async () => [], ...options });
}

const sequences = async () => (await shop.applied()).map(({ sequence }) => sequence);

it.each(['billing.invoice.paid.v2', 'billing.invoice.paid.v9'])(
  'a version that nobody handles, %s, waits while another version of it is handled, and refused does not take it',
  async (type) => {
    const refused = async () => undefined;
    const old = subscriberWith({ refused });
    expect(await old.receive(v1(1))).toBe('applied');
    await expect(old.receive(v2(2, type))).rejects.toMatchObject({
      code: 'unhandled_version',
      message: expect.stringContaining(type),
    });
    expect(await sequences()).toEqual([1]);
    expect(await old.receive(v1(2))).toBe('applied');
    expect(await sequences()).toEqual([1, 2]);
  },
);

it('a version with a handler that does nothing, and an event that no version of is handled, count', async () => {
  const handlers = { 'billing.invoice.paid.v1': shop.note, 'billing.invoice.paid.v2': async () => undefined };
  const { receive } = subscriberWith({ handlers });
  expect(await receive(v2(1))).toBe('applied');
  expect(await receive(record({ topic: V1, sequence: 2, type: 'billing.invoice.updated.v1' }))).toBe('applied');
  expect(await receive(v1(3))).toBe('applied');
  expect(await sequences()).toEqual([3]);
});

it('after events that the service has deleted, the one right behind them is applied without asking again', async () => {
  const asked: Events.Asked[] = [];
  const missing: Events.MissingEvents = async (query) => {
    asked.push(query);
    return query.limit < 1 ? Promise.reject(new Error('The limit is at least 1.')) : { firstSequence: 3 };
  };
  const told: Events.LostEvents[] = [];
  const { receive } = subscriberWith({ missing, lost: async (lost) => void told.push(lost) });
  expect(await receive(v1(3))).toBe('applied');
  expect(await sequences()).toEqual([3]);
  expect(told).toMatchObject([{ from: 1, to: 2 }]);
  expect(asked.map(({ limit }) => limit)).toEqual([2]);
});

it('what is missing before a record of a replay is asked for, and known, on the topic that its sequence counts on', async () => {
  const asked: Events.Asked[] = [];
  const missing: Events.MissingEvents = async (query) => {
    asked.push(query);
    return [v1(1), v1(2)];
  };
  const replayed = (sequence: number) => {
    const { headers, ...sent } = record({ topic: 'prod.billing.replay.shop.v1', sequence });
    return { ...sent, headers: { ...headers, ce_replayid: 'replay', ce_replaytopic: V1 } };
  };
  const { receive } = subscriberWith({ missing });
  expect(await receive(replayed(3))).toBe('applied');
  expect(asked).toMatchObject([{ topic: V1, afterSequence: 0 }]);
  expect(await receive(v1(3))).toBe('known');
  expect(await receive(v1(4))).toBe('applied');
  expect(await receive(replayed(4))).toBe('known');
  expect(await shop.sequences()).toEqual({ [`${kit.lineOf(V1)}|a`]: [1, 2, 3, 4] });
});

/** A service of these pages, by the cursor that leads to each; every answer is noted. */
function serviceWith(pages: Record<string, () => Response>) {
  const asked: URL[] = [];
  const fetch: typeof globalThis.fetch = async (url) => {
    const address = new URL(new Request(url).url);
    asked.push(address);
    return pages[address.searchParams.get('after') ?? 'start']?.() ?? new Response(null, { status: 404 });
  };
  return { asked, rest: { baseUrl: 'http://billing.test/', fetch } };
}
/** As it is in the service. */
function recorded(sequence: number, time = Date.now() - 60_000) {
  const { headers, ...sent } = v1(sequence);
  return { ...sent, headers: { ...headers, ce_time: new Date(time).toISOString() } };
}
const page = (nextCursor: string, ...items: unknown[]) => Response.json({ items, nextCursor, prunedBefore: null });

it('what was deleted at the end of a stream is caught up with from the service, and known the next time', async () => {
  const { asked, rest } = serviceWith({
    start: () => page('1', recorded(1), recorded(2)),
    1: () => page('2'),
    2: () => Response.json({ items: [recorded(3)], nextCursor: '3', prunedBefore: '2030-01-01T00:00:00.000Z' }),
    3: () => page('3'),
  });
  const subscriber = subscriberWith({});
  await subscriber.receive(v1(1));
  const options = { topic: V1, from: new Date(0) };
  const result = { applied: 2, prunedBefore: '2030-01-01T00:00:00.000Z' };
  expect(await kit.catchUp(subscriber, rest, options)).toEqual(result);
  expect(await sequences()).toEqual([1, 2, 3]);
  expect(await kit.catchUp(subscriber, rest, options)).toEqual({ ...result, applied: 0 });
  expect(asked.map(({ pathname }) => pathname)).toEqual(Array.from({ length: 8 }, () => '/v1/events'));
  expect(Object.fromEntries(asked[1]?.searchParams ?? [])).toEqual({
    topic: V1,
    limit: '500',
    from: '1970-01-01T00:00:00.000Z',
    after: '1',
  });
});

it('catching up ends at what was recorded after it began, while more and more comes', async () => {
  let sequence = 0;
  const next = () => {
    sequence += 1;
    return page(String(sequence % 2), recorded(sequence, Date.now() + (sequence < 3 ? -60_000 : 60_000)));
  };
  const { rest } = serviceWith({ start: next, 0: next, 1: next });
  expect(await kit.catchUp(subscriberWith({}), rest, { topic: V1 })).toMatchObject({ applied: 3 });
});

it.each([
  ['200 that is none of the service', () => new Response('<html>')],
  ['200 of null', () => Response.json(null)],
  ['503', () => Response.json({ code: 'temporarily_unavailable' }, { status: 503 })],
])('with the answer %s the events are not to be had now', async (_, answer) => {
  const { asked, rest } = serviceWith({ start: answer });
  const asking = { topic: V1, subject: 'a', tenantId: null, afterSequence: 0, limit: 1 };
  await expect(kit.missingEvents(rest)(asking)).rejects.toMatchObject({ name: 'EventError', code: 'gap' });
  await expect(kit.catchUp(subscriberWith({}), rest, { topic: V1 })).rejects.toMatchObject({ code: 'gap' });
  expect(asked[0]?.pathname).toBe('/v1/events');
});
