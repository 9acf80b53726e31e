/**
 * TEN-02: nothing of another tenant is visible or changeable by any route. The routes come from the OpenAPI document,
 * so a new one is tested as soon as it is there; what it needs is in the table below, or the test fails.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, Caller } from '../support/caller.ts';
import { type System, startSystem } from '../support/system.ts';

interface Operation {
  requestBody?: { content: { 'application/json': { examples: Record<string, { value: unknown }> } } };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
}

let system: System;
let ann: Caller;
let bob: Caller;
let routes: { method: string; path: string; body: unknown }[];
beforeAll(async () => {
  system = await startSystem();
  ann = system.caller();
  bob = system.caller();
  const { body } = await ann.request<Document>('GET', '/openapi.json');
  routes = Object.entries(body.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      body: Object.values(requestBody?.content['application/json'].examples ?? {})[0]?.value,
    })),
  );
});
afterAll(() => system?.stop());

/** How Ann comes to something that a path can name, the name of nothing, and what she then sees of it. */
interface Named {
  make: () => Promise<string>;
  nothing: () => string;
  malformed: string;
}

const aDay = () =>
  `${1900 + Math.floor(Math.random() * 100)}-01-${String(1 + Math.floor(Math.random() * 28)).padStart(2, '0')}`;
const named: Record<string, Named> = {
  invoices: { make: async () => (await ann.draft()).id, nothing: randomUUID, malformed: 'no-uuid' },
  cashiers: {
    make: async () => {
      const body = { name: 'Kasse Nord', email: `${randomUUID()}@example.com` };
      return (await ann.request<{ id: string }>('POST', '/v1/cashiers', { body })).body.id;
    },
    nothing: randomUUID,
    malformed: 'no-uuid',
  },
  operations: {
    make: async () => {
      const { id } = await ann.draft();
      const where = { tenantId: ann.tenantId, entityId: id };
      return (await system.database.command.findFirstOrThrow({ where })).attemptId;
    },
    nothing: randomUUID,
    malformed: 'no-uuid',
  },
  'billing-runs': {
    make: async () => {
      const businessDate = aDay();
      await ann.request('POST', '/v1/billing-runs', { body: { businessDate } });
      return businessDate;
    },
    nothing: () => '1999-12-31',
    malformed: 'no-date',
  },
  'dead-letter-batches': {
    make: async () => {
      const body = { filter: { reason: 'no_answer' }, reason: 'Nobody waits for it' };
      return (await ann.request<{ id: string }>('POST', '/v1/dead-letters/discard', { body })).body.id;
    },
    nothing: randomUUID,
    malformed: 'no-uuid',
  },
  'event-replays': {
    make: async () => {
      const body = {
        subscriber: `copy-${randomUUID()}`,
        from: { time: '2026-01-01T00:00:00Z' },
        reason: 'Its database was lost',
      };
      return (await ann.request<{ id: string }>('POST', '/v1/event-replays', { body })).body.id;
    },
    nothing: randomUUID,
    malformed: 'no-uuid',
  },
  'api-keys': {
    make: async () => {
      const body = { name: 'shop', scopes: ['invoices:read'] };
      return (await ann.request<{ id: string }>('POST', '/v1/api-keys', { body })).body.id;
    },
    nothing: randomUUID,
    malformed: 'no-uuid',
  },
  'dead-letters': {
    make: async () => {
      const id = randomUUID();
      await system.database.deadLetter.create({
        data: {
          id,
          tenantId: ann.tenantId,
          topic: 'test.billing.public.payments.v1',
          partition: 0,
          offset: BigInt(Date.now()) * 1_000n + BigInt(Math.floor(Math.random() * 1_000)),
          reason: 'invoice_not_found',
          detail: 'There is no such invoice.',
          headers: '{}',
          openedAt: new Date(),
        },
      });
      return id;
    },
    nothing: randomUUID,
    malformed: 'no-uuid',
  },
};

const withId = (path: string, id: string) =>
  path.replace('{code}', 'EUR').replace(/\{(?:id|attemptId|businessDate)\}/, id);
const entityOf = (path: string) => named[path.split('/')[2] ?? ''];
const problem = ({ status, body, headers }: Answer, id: string) => ({
  status,
  body: JSON.parse(JSON.stringify(body).replaceAll(id, 'ID')) as unknown,
  etag: headers.get('ETag'),
});

describe('TEN-02', () => {
  it('every route with an id: another tenant’s id and a random one cannot be told apart, and nothing changes', async () => {
    // Versions of events are of no tenant.
    const withAnId = routes.filter(({ path }) => /^\/v1\/(?!event-versions\/).*\{/.test(path));
    expect(withAnId.length).toBeGreaterThan(10);
    for (const { method, path, body } of withAnId) {
      const entity = entityOf(path);
      if (!entity) throw new Error(`${path} names something that this test does not know how to make.`);
      const call = (caller: Caller, id: string) =>
        caller.request(method, withId(path, id), body === undefined ? {} : { body });
      const what = `${method} ${path}`;
      const hers = await entity.make();
      const nothing = entity.nothing();
      const before = await everythingOf(ann);
      const foreign = problem(await call(bob, hers), hers);
      expect(foreign, what).toMatchObject({ status: 404 });
      expect(foreign, what).toEqual(problem(await call(bob, nothing), nothing));
      expect(await everythingOf(ann), what).toEqual(before);
      expect((await call(bob, entity.malformed)).status, what).toBe(404);
      expect((await call(ann, hers)).status, what).not.toBe(404);
    }
  });

  it('lists show only what is one’s own, with any filter and with another tenant’s cursor', async () => {
    for (const entity of ['invoices', 'cashiers'] as const) {
      await named[entity]?.make();
      await named[entity]?.make();
      const path = `/v1/${entity}`;
      const hers = await ann.request<{ items: { id: string }[]; nextCursor: string }>('GET', `${path}?limit=1`);
      expect(hers.body.items.length).toBe(1);
      for (const query of ['', `?cursor=${hers.body.nextCursor}`]) {
        expect((await bob.request('GET', `${path}${query}`)).body, `${path}${query}`).toMatchObject({ items: [] });
      }
    }
    const cashierId = await named['cashiers']?.make();
    await ann.draft({ cashierId });
    expect(
      (await ann.request<{ items: unknown[] }>('GET', `/v1/invoices?cashierId=${cashierId}`)).body.items.length,
    ).toBe(1);
    expect((await bob.request('GET', `/v1/invoices?cashierId=${cashierId}`)).body).toMatchObject({ items: [] });
  });

  it('the same Idempotency-Key of two tenants is two commands', async () => {
    const headers = { 'Idempotency-Key': `key-${randomUUID()}` };
    const body = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
    const hers = await ann.request<{ id: string }>('POST', '/v1/invoices', { headers, body });
    const his = await bob.request<{ id: string }>('POST', '/v1/invoices', {
      headers,
      body: { ...body, amount: '1.00' },
    });
    expect(his).toMatchObject({ status: 201, body: { amount: '1.00' } });
    expect(his.headers.get('Idempotency-Replayed')).toBeNull();
    expect(his.body.id).not.toBe(hers.body.id);
  });

  it('another tenant’s cashier is unknown to an invoice, and another tenant’s payment reference is free', async () => {
    const cashierId = await named['cashiers']?.make();
    const body = { name: 'Hosting', amount: '1.00', currency: 'EUR', cashierId };
    expect(await bob.request('POST', '/v1/invoices', { body })).toMatchObject({
      status: 422,
      body: { code: 'unknown_cashier' },
    });
    const reference = `PAY-${randomUUID()}`;
    expect((await ann.pay((await ann.finalized()).id, { reference })).status).toBe(200);
    expect((await bob.pay((await bob.finalized()).id, { reference })).status).toBe(200);
  });
});

/** Everything that a tenant's requests could have changed. */
async function everythingOf({ tenantId }: Caller) {
  const { invoice, cashier, cashierCurrency, payment, auditEntry, outboxEvent, deadLetter, billingRunRequest } =
    system.database;
  return {
    invoices: await invoice.findMany({ where: { tenantId }, orderBy: { id: 'asc' } }),
    cashiers: await cashier.findMany({ where: { tenantId }, orderBy: { id: 'asc' } }),
    currencies: await cashierCurrency.count({ where: { tenantId } }),
    payments: await payment.count({ where: { tenantId } }),
    audit: await auditEntry.count({ where: { tenantId } }),
    events: await outboxEvent.count({ where: { tenantId } }),
    deadLetters: await deadLetter.findMany({
      where: { tenantId },
      select: { id: true, attempts: true, resolution: true },
      orderBy: { id: 'asc' },
    }),
    runs: await billingRunRequest.count({ where: { tenantId } }),
  };
}
