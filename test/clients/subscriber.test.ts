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
