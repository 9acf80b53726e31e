/** Servers that are away: what callers see, and that everything goes on by itself when they are back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Caller, paymentOf } from '../support/caller.ts';
import { servers } from '../support/servers.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let ann: Caller;
let subscriber: Subscriber;
beforeAll(async () => {
  system = await startSystem({ REQUEST_DEADLINE_MS: '3000' });
  ann = system.caller();
  subscriber = await subscribe();
});
afterAll(async () => {
  await subscriber?.stop();
  await system?.stop();
});

/** Sends the same command with the same key until it is answered, as a caller would who was told 503 or 202. */
const untilPaid = (id: string, options: object) =>
  waitFor('the payment', async () => {
    const { status, body } = await ann.step(id, 'pay', { ...options, once: true });
    return status === 200 ? body : undefined;
  });

it('Postgres away: 503 and not ready; the pool connects again without a restart, and the same key pays once', async () => {
  const { id } = await ann.finalized();
  const options = { body: paymentOf(), headers: { 'Idempotency-Key': `pay-${id}` } };
  await servers.killPostgres();
  const refused = await ann.step(id, 'pay', { ...options, once: true });
  expect(refused).toMatchObject({ status: 503, body: { code: 'temporarily_unavailable' } });
  expect(refused.headers.get('Retry-After')).toBe('1');
  expect((await ann.request('GET', `/v1/invoices/${id}`, { once: true })).status).toBe(503);
  expect(await ann.request('GET', '/health/ready')).toMatchObject({
    status: 503,
    body: { postgres: { up: false }, temporal: { up: true } },
  });
  await servers.startPostgres();
  expect(await untilPaid(id, options)).toMatchObject({ status: 'paid', version: 3 });
  expect(await system.database.payment.count({ where: { tenantId: ann.tenantId, invoiceId: id } })).toBe(1);
});

it('Temporal away: writes get 503, reads go on; the client connects again', async () => {
  const { id } = await ann.finalized();
  const options = { body: paymentOf(), headers: { 'Idempotency-Key': `pay-${id}` } };
  await servers.killTemporal();
  expect(await ann.step(id, 'pay', { ...options, once: true })).toMatchObject({
    status: 503,
    body: { code: 'temporarily_unavailable' },
  });
  const body = { businessDate: '2020-01-01' };
  expect(await ann.request('POST', '/v1/billing-runs', { body, once: true })).toMatchObject({
    status: 503,
    body: { code: 'temporarily_unavailable' },
  });
  expect((await ann.request('GET', `/v1/invoices/${id}`)).status).toBe(200);
  expect(await ann.request('GET', '/health/ready')).toMatchObject({ status: 503, body: { temporal: { up: false } } });
  await servers.startTemporal();
  expect(await untilPaid(id, options)).toMatchObject({ status: 'paid', version: 3 });
});

it('MSG-01: Kafka away: callers see nothing, the service stays ready, and the events come in order when it is back', async () => {
  await servers.stopKafka();
  const { id } = await ann.finalized();
  expect((await ann.pay(id)).status).toBe(200);
  const ready = await ann.request<{ kafka: { unpublishedEvents: number } }>('GET', '/health/ready');
  expect(ready.status).toBe(200);
  expect(ready.body.kafka.unpublishedEvents).toBeGreaterThanOrEqual(4);
  await servers.startKafka();
  const events = await waitFor(
    'the events',
    async () => {
      const found = subscriber
        .firstOf(ann.tenantId)
        .filter(({ key, topic }) => key.endsWith(id) && topic.includes('public'));
      return found.length === 3 ? found : undefined;
    },
    60_000,
  );
  expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
});
