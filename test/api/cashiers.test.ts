import type { WireCashier } from '../../cashiers/members.ts';
import type { WireInvoice } from '../../invoices/wire.ts';
import { createHash, randomUUID } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CashierRequest, carryOutCashierCommand } from '../../cashiers/commands.ts';
import { newAttemptId } from '../../commands/key.ts';
import type { WireCashierPayment } from '../../cashiers/schemas.ts';
import type { Database } from '../../platform/database.ts';
import type { Caller, RequestOptions } from '../support/caller.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { atMost } from '../support/speed.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let subscriber: Subscriber;
const caller = (): Caller => system.caller();

beforeAll(async () => {
  system = await startSystem();
  subscriber = await subscribe();
});
afterAll(async () => {
  await subscriber?.stop();
  await system?.stop();
});

const invoiceBody = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
const dayFromNow = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const cashierBody = (members: object = {}) => ({
  name: 'Kasse Nord',
  email: `nord-${randomUUID()}@example.com`,
  ...members,
});

/** Adds a cashier; fails the test unless it is created. */
async function added(who: Caller, members: object = {}): Promise<WireCashier> {
  const answer = await who.request<WireCashier>('POST', '/v1/cashiers', { body: cashierBody(members) });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body;
}
const accept = (who: Caller, id: string, code: string, effectiveFrom: string, options: RequestOptions = {}) =>
  who.request('PUT', `/v1/cashiers/${id}/currencies/${code}`, { body: { effectiveFrom }, ...options });
const draftFor = (who: Caller, cashierId: string, members: object = {}) =>
  who.request<WireInvoice>('POST', '/v1/invoices', { body: { ...invoiceBody, cashierId, ...members } });
const paymentsOf = async (who: Caller, id: string, query = '') =>
  (
    await who.request<{ items: WireCashierPayment[]; nextCursor: string | null }>(
      'GET',
      `/v1/cashiers/${id}/payments${query}`,
    )
  ).body;
const countsOf = async ({ tenantId }: Caller) => ({
  events: await system.database.outboxEvent.count({ where: { tenantId } }),
  audits: await system.database.auditEntry.count({ where: { tenantId } }),
  commands: await system.database.command.count({ where: { tenantId } }),
});

describe('create', () => {
  it('CSH-01: answers 201 with Location, ETag "1" and the cashier', async () => {
    const body = { name: ' Kasse Nord ', email: 'Nord@Example.com' };
    const { status, headers, body: cashier } = await caller().request<WireCashier>('POST', '/v1/cashiers', { body });
    expect(status).toBe(201);
    expect(headers.get('Location')).toBe(`/v1/cashiers/${cashier.id}`);
    expect(headers.get('ETag')).toBe('"1"');
    expect(cashier).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'Kasse Nord',
      email: 'Nord@Example.com',
      version: 1,
      createdAt: expect.any(String),
      updatedAt: cashier.createdAt,
    });
    expect(Math.abs(Date.now() - Date.parse(cashier.createdAt))).toBeLessThan(atMost(10_000));
  });

  it('CSH-01: lists every fault of a request at once', async () => {
    const body = { name: 'K', email: 'nord', phone: '110' };
    const answer = await caller().request<{ errors: { path: string }[] }>('POST', '/v1/cashiers', { body });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    expect(answer.body.errors.map(({ path }) => path).toSorted()).toEqual(['email', 'name', 'phone']);
  });

  it('CSH-01: an e-mail address in another case is taken, in this tenant only', async () => {
    const [ann, bob] = [caller(), caller()];
    await added(ann, { email: 'kasse@example.com' });
    const body = cashierBody({ email: 'KASSE@Example.COM' });
    expect(await ann.request('POST', '/v1/cashiers', { body })).toMatchObject({
      status: 409,
      body: { code: 'email_taken' },
    });
    expect(await countsOf(ann)).toEqual({ events: 1, audits: 1, commands: 1 });
    expect((await bob.request('POST', '/v1/cashiers', { body })).status).toBe(201);
  });

  it('CSH-01: of two creates with one e-mail address at once exactly one is carried out', async () => {
    const ann = caller();
    for (let round = 0; round < 10; round += 1) {
      const email = `Round-${round}@example.com`;
      const answers = await Promise.all(
        [email, email.toLowerCase()].map((given) =>
          ann.request('POST', '/v1/cashiers', { body: cashierBody({ email: given }) }),
        ),
      );
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
      expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'email_taken' });
    }
    expect(await countsOf(ann)).toEqual({ events: 10, audits: 10, commands: 10 });
  });

  it('CSH-01, INV-03: with one key there is one cashier, and the second answer says so', async () => {
    const ann = caller();
    const options = { body: cashierBody(), headers: { 'Idempotency-Key': 'till-1' } };
    const first = await ann.request<WireCashier>('POST', '/v1/cashiers', options);
    const second = await ann.request<WireCashier>('POST', '/v1/cashiers', options);
    expect(first.headers.get('Idempotency-Replayed')).toBeNull();
    expect(first.headers.get('Idempotency-Key')).toBe('till-1');
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect(second.headers.get('Location')).toBe(`/v1/cashiers/${first.body.id}`);
    const other = await ann.request('POST', '/v1/cashiers', { ...options, body: cashierBody() });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  it('CSH-01, INV-03: ten at once with one key make one cashier', async () => {
    const ann = caller();
    const options = { body: cashierBody(), headers: { 'Idempotency-Key': 'ten' } };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ann.request<WireCashier>('POST', '/v1/cashiers', options)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await countsOf(ann)).toEqual({ events: 1, audits: 1, commands: 1 });
  });

  it('CSH-01, INV-06: a refused create leaves nothing; the same key is decided afresh', async () => {
    const ann = caller();
    const taken = await added(ann);
    const options = { body: cashierBody({ email: taken.email }), headers: { 'Idempotency-Key': 'again' } };
    expect((await ann.request('POST', '/v1/cashiers', options)).status).toBe(409);
    expect((await ann.request('DELETE', `/v1/cashiers/${taken.id}`)).status).toBe(204);
    expect((await ann.request('POST', '/v1/cashiers', options)).status).toBe(201);
  });
});

describe('read', () => {
  it('CSH-02: get gives the cashier with its ETag', async () => {
    const ann = caller();
    const cashier = await added(ann);
    const answer = await ann.request('GET', `/v1/cashiers/${cashier.id}`);
    expect(answer).toMatchObject({ status: 200, body: cashier });
    expect(answer.headers.get('ETag')).toBe('"1"');
  });

  it('CSH-02: the list is by name, then id, in pages', async () => {
    const ann = caller();
    for (const name of ['Zürich', 'Anton', 'anton', 'Ärzte', '"Quoted"', 'Same', 'Same']) await added(ann, { name });
    type List = { items: WireCashier[]; nextCursor: string | null };
    const pages: WireCashier[][] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await ann.request<List>('GET', `/v1/cashiers?limit=2${query}`);
      pages.push(body.items);
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 2, 1]);
    expect(pages.flat().map(({ name }) => name)).toEqual([
      '"Quoted"',
      'Anton',
      'Same',
      'Same',
      'Zürich',
      'anton',
      'Ärzte',
    ]);
    const [one, two] = pages.flat().filter(({ name }) => name === 'Same');
    expect((one?.id ?? '') < (two?.id ?? '')).toBe(true);
  });

  it('CSH-02: the longest names fit into a cursor', async () => {
    const ann = caller();
    for (const last of ['A', 'B']) await added(ann, { name: `${'€'.repeat(99)}${last}` });
    const { body } = await ann.request<{ nextCursor: string }>('GET', '/v1/cashiers?limit=1');
    expect(await ann.request('GET', `/v1/cashiers?limit=1&cursor=${body.nextCursor}`)).toMatchObject({
      status: 200,
      body: { items: [{ name: `${'€'.repeat(99)}B` }], nextCursor: null },
    });
  });

  const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
  it.each([
    'limit=0',
    'limit=201',
    'colour=red',
    'cursor=nonsense',
    `cursor=${cursor('Nord')}`,
    `cursor=${cursor('Nord', 'no-uuid')}`,
    `cursor=${cursor('No\u0000rd', randomUUID())}`,
    `cursor=${cursor(7, randomUUID())}`,
  ])('CSH-02: the list refuses %s', async (query) => {
    expect(await caller().request('GET', `/v1/cashiers?${query}`)).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
  });

  it.each([
    ['no instant', cursor('Nord', randomUUID())],
    ['the year 0', cursor('0000-01-01T00:00:00Z', randomUUID())],
    ['the year 10000', cursor('9999-12-31T23:59:59-23:00', randomUUID())],
  ])('CSH-05: payments and invoices refuse a cursor with %s', async (_what, wrong) => {
    const ann = caller();
    const { id } = await added(ann);
    for (const path of [`/v1/cashiers/${id}/payments`, '/v1/invoices']) {
      expect(await ann.request('GET', `${path}?cursor=${wrong}`)).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'cursor', code: 'invalid_cursor' }] },
      });
    }
  });
});

describe('cursors', () => {
  it('INV-11, CSH-02, CSH-05: a cursor is taken by the list that gave it, and by no other', async () => {
    const ann = caller();
    const cashiers = [await added(ann), await added(ann)].map(({ id }) => id);
    for (const cashierId of cashiers) {
      for (const _ of [1, 2]) await ann.pay((await ann.finalized({ cashierId })).id);
    }
    const lists = ['/v1/invoices', '/v1/cashiers', ...cashiers.map((id) => `/v1/cashiers/${id}/payments`)];
    const ask = (list: string, cursor: string) =>
      ann.request<{ nextCursor: string }>('GET', `${list}?limit=1&cursor=${cursor}`);
    for (const list of lists) {
      const { body } = await ann.request<{ nextCursor: string }>('GET', `${list}?limit=1`);
      expect((await ask(list, body.nextCursor)).status, list).toBe(200);
      for (const other of [...lists, '/v1/dead-letters'].filter((one) => one !== list)) {
        expect(await ask(other, body.nextCursor), `${list} at ${other}`).toMatchObject({
          status: 422,
          body: { code: 'validation_failed', errors: [{ path: 'cursor', code: 'invalid_cursor' }] },
        });
      }
    }
  });
});

describe('tenants', () => {
  it('TEN-02: unknown, malformed and another tenant’s cashiers cannot be told apart', async () => {
    const ann = caller();
    const foreign = (await added(caller())).id;
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { name: 'Mine' }],
      ['DELETE', ''],
      ['GET', '/currencies'],
      ['PUT', '/currencies/EUR', { effectiveFrom: '2030-01-01' }],
      ['DELETE', '/currencies/EUR'],
      ['GET', '/payments'],
    ] as const) {
      const answers = await Promise.all(
        [foreign, randomUUID(), 'no-uuid'].map(async (id) => {
          const answer = await ann.request(method, `/v1/cashiers/${id}${path}`, body ? { body } : {});
          return JSON.stringify({ status: answer.status, body: answer.body }).replaceAll(id, '{id}');
        }),
      );
      expect(JSON.parse(answers[0] ?? '')).toMatchObject({ status: 404, body: { code: 'cashier_not_found' } });
      expect(new Set(answers).size).toBe(1);
    }
    expect(await system.database.cashier.count({ where: { id: foreign, version: 1 } })).toBe(1);
  });

  it('TEN-01, TEN-02: keys, e-mails and cursors of one tenant mean nothing in another', async () => {
    const [ann, bob] = [caller(), caller()];
    const options = { body: cashierBody(), headers: { 'Idempotency-Key': 'same' } };
    const [a, b] = await Promise.all(
      [ann, bob].map((who) => who.request<WireCashier>('POST', '/v1/cashiers', options)),
    );
    expect([a?.status, b?.status]).toEqual([201, 201]);
    expect(a?.body.id).not.toBe(b?.body.id);
    await added(ann, { name: 'Zebra' });
    const { body: page } = await ann.request<{ nextCursor: string }>('GET', '/v1/cashiers?limit=1');
    const { body: foreign } = await bob.request<{ items: unknown[] }>('GET', `/v1/cashiers?cursor=${page.nextCursor}`);
    expect(JSON.stringify(foreign)).not.toContain('Zebra');
  });
});

describe('update and delete', () => {
  it('CSH-02: update changes the members given, absent stays, and an empty one is a new version', async () => {
    const ann = caller();
    const cashier = await added(ann);
    const answer = await ann.request('PATCH', `/v1/cashiers/${cashier.id}`, { body: { name: 'Kasse Süd' } });
    expect(answer).toMatchObject({ status: 200, body: { name: 'Kasse Süd', email: cashier.email, version: 2 } });
    expect(answer.headers.get('ETag')).toBe('"2"');
    expect(await ann.request('PATCH', `/v1/cashiers/${cashier.id}`, { body: {} })).toMatchObject({
      status: 200,
      body: { name: 'Kasse Süd', version: 3 },
    });
    expect((await ann.request('PATCH', `/v1/cashiers/${cashier.id}`)).status).toBe(422);
  });

  it('CSH-01: update refuses the e-mail of another cashier, in any case, and takes its own in another case', async () => {
    const ann = caller();
    const [first, second] = [await added(ann), await added(ann)];
    const update = (email: string) => ann.request('PATCH', `/v1/cashiers/${second.id}`, { body: { email } });
    expect(await update(first.email.toUpperCase())).toMatchObject({ status: 409, body: { code: 'email_taken' } });
    expect(await update(second.email.toUpperCase())).toMatchObject({
      status: 200,
      body: { email: second.email.toUpperCase(), version: 2 },
    });
  });

  it('CSH-01: of two cashiers that take one e-mail address at once exactly one gets it', async () => {
    const ann = caller();
    const cashiers = [await added(ann), await added(ann)];
    const answers = await Promise.all(
      cashiers.map(({ id }) => ann.request('PATCH', `/v1/cashiers/${id}`, { body: { email: 'one@example.com' } })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  it('CSH-02: If-Match with another version is refused with the current one', async () => {
    const ann = caller();
    const { id } = await added(ann);
    await ann.request('PATCH', `/v1/cashiers/${id}`, { body: { name: 'Kasse Süd' } });
    for (const [method, options] of [
      ['PATCH', { body: { name: 'Kasse West' } }],
      ['DELETE', {}],
    ] as const) {
      const stale = { ...options, headers: { 'If-Match': '"1"' } };
      expect(await ann.request(method, `/v1/cashiers/${id}`, stale)).toMatchObject({
        status: 412,
        body: { code: 'version_conflict', currentVersion: 2 },
      });
    }
    expect((await ann.request('DELETE', `/v1/cashiers/${id}`, { headers: { 'If-Match': '"2"' } })).status).toBe(204);
  });

  it('CSH-02: of two updates with the same version exactly one wins', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const both = await Promise.all(
      ['first', 'second'].map((name) =>
        ann.request('PATCH', `/v1/cashiers/${id}`, { body: { name }, headers: { 'If-Match': '"1"' } }),
      ),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412]);
  });

  it('CSH-02: a deleted cashier is gone, its currencies too; the same key is answered again', async () => {
    const ann = caller();
    const { id } = await added(ann);
    await accept(ann, id, 'EUR', '2020-01-01');
    const options = { headers: { 'Idempotency-Key': 'close' } };
    const first = await ann.request('DELETE', `/v1/cashiers/${id}`, options);
    expect(first).toMatchObject({ status: 204, body: null });
    expect(first.headers.get('Idempotency-Replayed')).toBeNull();
    const second = await ann.request('DELETE', `/v1/cashiers/${id}`, options);
    expect(second.status).toBe(204);
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect((await ann.request('DELETE', `/v1/cashiers/${id}`)).status).toBe(404);
    expect((await ann.request('GET', `/v1/cashiers/${id}`)).status).toBe(404);
    expect(await system.database.cashierCurrency.count({ where: { tenantId: ann.tenantId } })).toBe(0);
  });

  it('CSH-03: a cashier with invoices cannot be deleted, whatever their status', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const { body: invoice } = await draftFor(ann, id);
    const refused = { status: 409, body: { code: 'cashier_in_use' } };
    expect(await ann.request('DELETE', `/v1/cashiers/${id}`)).toMatchObject(refused);
    await ann.step(invoice.id, 'cancel');
    expect(await ann.request('DELETE', `/v1/cashiers/${id}`)).toMatchObject(refused);
    expect((await ann.request('GET', `/v1/cashiers/${id}`)).status).toBe(200);
  });

  it('CSH-03: a cashier that its last invoice no longer names can be deleted', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const { body: invoice } = await draftFor(ann, id);
    await ann.request('PATCH', `/v1/invoices/${invoice.id}`, { body: { cashierId: null } });
    expect((await ann.request('DELETE', `/v1/cashiers/${id}`)).status).toBe(204);
  });
});

describe('currencies', () => {
  it('CSH-04: none are listed at first; put adds or replaces, delete takes off', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const listed = async () => (await ann.request('GET', `/v1/cashiers/${id}/currencies`)).body;
    expect(await listed()).toEqual({ items: [] });
    expect(await accept(ann, id, 'usd', '2030-02-01')).toMatchObject({
      status: 200,
      body: { currency: 'USD', effectiveFrom: '2030-02-01' },
    });
    await accept(ann, id, 'EUR', '2030-01-01');
    await accept(ann, id, 'USD', '2031-01-01');
    expect(await listed()).toEqual({
      items: [
        { currency: 'EUR', effectiveFrom: '2030-01-01' },
        { currency: 'USD', effectiveFrom: '2031-01-01' },
      ],
    });
    expect(await ann.request('DELETE', `/v1/cashiers/${id}/currencies/eur`)).toMatchObject({ status: 204, body: null });
    expect(await listed()).toEqual({ items: [{ currency: 'USD', effectiveFrom: '2031-01-01' }] });
  });

  it('CSH-04: dropping what is not listed is 204 and changes nothing', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const before = await countsOf(ann);
    expect((await ann.request('DELETE', `/v1/cashiers/${id}/currencies/EUR`)).status).toBe(204);
    expect(await countsOf(ann)).toEqual({ ...before, commands: before.commands + 1 });
  });

  it('CSH-04: changes of currencies are audited, and move neither version nor events', async () => {
    const ann = caller();
    const { id } = await added(ann);
    await accept(ann, id, 'EUR', '2030-01-01');
    await ann.request('DELETE', `/v1/cashiers/${id}/currencies/EUR`);
    expect((await ann.request('GET', `/v1/cashiers/${id}`)).headers.get('ETag')).toBe('"1"');
    expect(await countsOf(ann)).toEqual({ events: 1, audits: 3, commands: 3 });
  });

  it('CSH-04: keys work as everywhere, whatever the case of the code', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const options = { headers: { 'Idempotency-Key': 'euro' } };
    expect((await accept(ann, id, 'EUR', '2030-01-01', options)).headers.get('Idempotency-Replayed')).toBeNull();
    const again = await accept(ann, id, 'eur', '2030-01-01', options);
    expect(again).toMatchObject({ status: 200, body: { currency: 'EUR', effectiveFrom: '2030-01-01' } });
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    for (const [code, day] of [
      ['USD', '2030-01-01'],
      ['EUR', '2030-01-02'],
    ] as const) {
      expect(await accept(ann, id, code, day, options)).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
    }
  });

  it.each(['XAU', 'ZZZ', 'EU', '1'])('CSH-04: the code %s is refused, together with a wrong body', async (code) => {
    const ann = caller();
    const { id } = await added(ann);
    const inCode = { path: 'code', code: 'unknown_currency' };
    expect(await accept(ann, id, code, '2030-01-01')).toMatchObject({
      status: 422,
      body: { code: 'validation_failed', errors: [inCode] },
    });
    expect(await accept(ann, id, code, '2030-02-30')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'effectiveFrom' }, inCode] },
    });
    expect(await ann.request('DELETE', `/v1/cashiers/${id}/currencies/${code}`)).toMatchObject({
      status: 422,
      body: { errors: [inCode] },
    });
  });
});

describe('invoices', () => {
  it('CSH-04, INV-04: a cashier that lists no currency accepts all', async () => {
    const ann = caller();
    const { id } = await added(ann);
    expect(await draftFor(ann, id)).toMatchObject({ status: 201, body: { cashierId: id } });
    expect((await draftFor(ann, id, { currency: 'JPY', amount: '5' })).status).toBe(201);
  });

  it('CSH-04, INV-04: otherwise those listed, from their day on', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const refused = { status: 422, body: { code: 'currency_not_accepted' } };
    await accept(ann, id, 'EUR', dayFromNow(2));
    expect(await draftFor(ann, id)).toMatchObject(refused);
    await accept(ann, id, 'EUR', dayFromNow(-1));
    const { status, body: invoice } = await draftFor(ann, id);
    expect(status).toBe(201);
    expect(await draftFor(ann, id, { currency: 'USD' })).toMatchObject(refused);
    const update = (body: object) => ann.request('PATCH', `/v1/invoices/${invoice.id}`, { body });
    expect(await update({ amount: '5.00', currency: 'USD' })).toMatchObject(refused);
    await accept(ann, id, 'USD', '2020-01-01');
    await ann.request('DELETE', `/v1/cashiers/${id}/currencies/EUR`);
    // What was accepted stays accepted while nobody touches it.
    expect((await update({ name: 'Hosting, December' })).status).toBe(200);
    expect(await update({ cashierId: id })).toMatchObject(refused);
    expect((await update({ amount: '5.00', currency: 'USD' })).status).toBe(200);
  });

  it('INV-04, TEN-02: an unknown cashier and another tenant’s are refused alike, on create and on update', async () => {
    const ann = caller();
    const foreign = (await added(caller())).id;
    const { id } = await ann.draft();
    const refused = { status: 422, body: { code: 'unknown_cashier' } };
    for (const cashierId of [randomUUID(), foreign]) {
      expect(await draftFor(ann, cashierId)).toMatchObject(refused);
      expect(await ann.request('PATCH', `/v1/invoices/${id}`, { body: { cashierId } })).toMatchObject(refused);
    }
  });
});

describe('payments', () => {
  it('CSH-05, INV-43: what was paid on a cashier’s invoices, newest first, in pages', async () => {
    const ann = caller();
    const [nord, sued] = [await added(ann), await added(ann)];
    const paid: { invoiceId: string; reference: string }[] = [];
    for (let n = 1; n <= 5; n += 1) {
      const { id: invoiceId } = await ann.finalized({ cashierId: n === 3 ? sued.id : nord.id });
      const reference = `R-${n}`;
      expect((await ann.pay(invoiceId, { reference, receivedAt: '2026-01-15T10:00:00+01:00' })).status).toBe(200);
      if (n !== 3) paid.unshift({ invoiceId, reference });
    }
    const first = await paymentsOf(ann, nord.id, '?limit=3');
    expect(first.items[0]).toEqual({
      ...paid[0],
      amount: '1200.00',
      currency: 'EUR',
      method: 'bank transfer',
      receivedAt: '2026-01-15T09:00:00.000Z',
      recordedAt: expect.stringMatching(/Z$/),
    });
    const second = await paymentsOf(ann, nord.id, `?limit=3&cursor=${first.nextCursor}`);
    expect(second.nextCursor).toBeNull();
    expect([...first.items, ...second.items]).toMatchObject(paid);
    expect((await paymentsOf(ann, sued.id)).items).toMatchObject([{ reference: 'R-3' }]);
  });

  it('INV-43: one row for each payment, none for one that is refused, replayed, or on an invoice without a cashier', async () => {
    const ann = caller();
    const { id } = await added(ann);
    const { id: invoiceId } = await ann.finalized({ cashierId: id });
    expect((await ann.pay(invoiceId, { amount: '1.00' })).status).toBe(422);
    expect((await paymentsOf(ann, id)).items).toEqual([]);
    await ann.pay(invoiceId, { reference: 'R-1' });
    await ann.pay(invoiceId, { reference: 'R-1' });
    await ann.pay((await ann.finalized()).id);
    expect((await paymentsOf(ann, id)).items).toHaveLength(1);
    const where = { tenantId: ann.tenantId };
    const [ofCashier, payments] = [
      await system.database.cashierPayment.findMany({ where }),
      await system.database.payment.findMany({ where, orderBy: { recordedAt: 'asc' } }),
    ];
    expect(ofCashier.map(({ paymentId }) => paymentId)).toEqual([payments[0]?.id]);
    expect(payments).toHaveLength(2);
  });

  it('CSH-05: an invoice whose cashier changed while it was a draft is paid on the last one', async () => {
    const ann = caller();
    const [nord, sued] = [await added(ann), await added(ann)];
    const { id } = await ann.draft({ cashierId: nord.id });
    await ann.request('PATCH', `/v1/invoices/${id}`, { body: { cashierId: sued.id } });
    await ann.step(id, 'finalize');
    await ann.pay(id);
    expect((await paymentsOf(ann, nord.id)).items).toHaveLength(0);
    expect((await paymentsOf(ann, sued.id)).items).toHaveLength(1);
  });
});

describe('events and audit', () => {
  it('CSH-06: created, updated and deleted arrive in order, with one partition key', async () => {
    const ann = caller();
    const cashier = await added(ann);
    const path = `/v1/cashiers/${cashier.id}`;
    const { body: updated } = await ann.request('PATCH', path, { body: { name: 'Kasse Süd' } });
    await accept(ann, cashier.id, 'EUR', '2030-01-01');
    await ann.request('PATCH', path, { body: { name: 'Kasse West' } });
    await ann.request('DELETE', path);
    const events = await subscriber.waitForEvents(ann.tenantId, 4);
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['billing.cashier.created.v1', 1],
      ['billing.cashier.updated.v1', 2],
      ['billing.cashier.updated.v1', 3],
      ['billing.cashier.deleted.v1', 4],
    ]);
    expect(new Set(events.map(({ topic }) => topic))).toEqual(new Set(['test.billing.public.cashiers.v1']));
    expect(new Set(events.map(({ key }) => key))).toEqual(new Set([`${ann.tenantId}|${cashier.id}`]));
    expect(new Set(events.map(({ partition }) => partition)).size).toBe(1);
    expect(events[0]?.data).toEqual({ tenantId: ann.tenantId, cashier });
    expect(events[1]?.data).toEqual({ tenantId: ann.tenantId, cashier: updated });
    expect(events[3]?.data).toEqual({
      tenantId: ann.tenantId,
      cashierId: cashier.id,
      deletedAt: expect.stringMatching(/Z$/),
    });
    expect(events[0]?.headers).toMatchObject({ ce_subject: cashier.id, ce_tenantid: ann.tenantId });
  });

  it('CSH-02: every step is in the audit trail: who, when, what, chained', async () => {
    const ann = caller();
    const { id } = await added(ann);
    await ann.request('PATCH', `/v1/cashiers/${id}`, { body: { name: 'Kasse Süd' }, headers: { 'X-Actor': 'bob' } });
    await accept(ann, id, 'EUR', '2030-01-01');
    await ann.request('DELETE', `/v1/cashiers/${id}/currencies/EUR`);
    await ann.request('DELETE', `/v1/cashiers/${id}`);
    const entries = await system.database.auditEntry.findMany({
      where: { tenantId: ann.tenantId, entityType: 'cashier', entityId: id },
      orderBy: { sequence: 'asc' },
    });
    expect(entries.map(({ sequence, action, actor, version }) => [sequence, action, actor, version])).toEqual([
      [1, 'create', 'ann', 1],
      [2, 'update', 'bob', 2],
      [3, 'acceptCurrency', 'ann', 2],
      [4, 'dropCurrency', 'ann', 2],
      [5, 'delete', 'ann', 3],
    ]);
    expect(JSON.parse(entries[2]?.body ?? '')).toMatchObject({
      currencies: [{ currency: 'EUR', effectiveFrom: '2030-01-01' }],
    });
    let before = '';
    for (const entry of entries) {
      expect(entry.previousHash).toBe(before);
      expect(entry.hash).toBe(hashOf(entry));
      before = entry.hash;
    }
  });

  /** As commands/audit.ts makes it, from what is stored. */
  const hashOf = (entry: Awaited<ReturnType<Database['auditEntry']['findFirstOrThrow']>>) =>
    createHash('sha256')
      .update(entry.previousHash)
      .update(
        stringify({
          tenant_id: entry.tenantId,
          entity_type: entry.entityType,
          entity_id: entry.entityId,
          sequence: entry.sequence,
          version: entry.version,
          action: entry.action,
          actor: entry.actor,
          at: entry.at.toISOString(),
          status: entry.status,
          reason: entry.reason,
          command_key: entry.commandKey,
          body: entry.body,
        }) ?? '',
      )
      .digest('hex');
});

describe('races', () => {
  it('CSH-03, INV-04: deleted while an invoice is drafted for it: one of the two is refused, every time', async () => {
    const ann = caller();
    const begun = performance.now();
    await ann.draft();
    const draftMs = performance.now() - begun;
    const outcomes: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const { id } = await added(ann);
      const sentAt = performance.now();
      const drafting = draftFor(ann, id);
      // From round to round the delete comes later: before, into and after the transaction of the draft.
      while (performance.now() - sentAt < (draftMs * round) / 10) await ann.request('GET', `/v1/cashiers/${id}`);
      const removed = await ann.request<{ code: string } | null>('DELETE', `/v1/cashiers/${id}`);
      const drafted = await drafting;
      outcomes.push(
        `${removed.status} ${removed.body?.code} ${drafted.status} ${(drafted.body as { code?: string }).code}`,
      );
    }
    const deleted = '204 undefined 422 unknown_cashier';
    const kept = '409 cashier_in_use 201 undefined';
    expect([...new Set(outcomes)].toSorted()).toEqual([deleted, kept]);
    const { tenantId } = ann;
    const named = await system.database.invoice.findMany({ where: { tenantId, cashierId: { not: null } } });
    expect(named).toHaveLength(outcomes.filter((outcome) => outcome === kept).length);
    for (const { cashierId } of named) {
      expect(await system.database.cashier.count({ where: { tenantId, id: cashierId ?? '' } })).toBe(1);
    }
  });

  it('INV-04: a cashier that is gone between the check and the insert is unknown, not an error', async () => {
    const ann = caller();
    const { id } = await added(ann);
    // The draft sees the cashier, then waits at the foreign key for this transaction, which takes it away.
    const drafted = await system.database.$transaction(
      async (tx) => {
        await tx.cashier.delete({ where: { tenantId_id: { tenantId: ann.tenantId, id } } });
        const answer = draftFor(ann, id);
        const [{ pid } = { pid: 0 }] = await tx.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
        await waitFor('the draft to wait', async () => {
          const rows = await system.database.$queryRaw<object[]>`
            SELECT 1 FROM pg_stat_activity WHERE ${pid}::int = ANY (pg_blocking_pids(pid))`;
          return rows.length > 0;
        });
        return { answer };
      },
      { timeout: atMost(20_000) },
    );
    expect(await drafted.answer).toMatchObject({ status: 422, body: { code: 'unknown_cashier' } });
  });

  describe('a constraint that is nobody’s refusal', () => {
    /** A database whose transactions fail `times` times as one that lost a race does. */
    async function losingRaces(times: number): Promise<{ database: Database; begun: () => number }> {
      const tenantId = randomUUID();
      const lost: unknown = await system.database.$executeRaw`
        INSERT INTO cashier_currencies VALUES (${tenantId}::uuid, ${randomUUID()}::uuid, 'EUR', '2030-01-01')`.catch(
        (error: unknown) => error,
      );
      let begun = 0;
      const database = new Proxy(system.database, {
        get: (real, name) =>
          name === '$transaction'
            ? async (work: Parameters<Database['$transaction']>[0]) => {
                begun += 1;
                if (begun <= times) throw lost;
                return real.$transaction(work as never);
              }
            : Reflect.get(real, name),
      });
      return { database, begun: () => begun };
    }
    const createCommand = (): CashierRequest<'create'> => ({
      step: 'create',
      tenantId: randomUUID(),
      cashierId: randomUUID(),
      key: `rest:${randomUUID()}`,
      fingerprint: 'f',
      attemptId: newAttemptId(),
      acceptedAt: new Date().toISOString(),
      actor: 'ann',
      expectedVersion: null,
      body: cashierBody(),
    });
    const wire = { environment: 'test', publicUrl: 'http://localhost' };
    const notify = () => undefined;

    it('CSH-03: is decided again, and then comes out right', async () => {
      const { database, begun } = await losingRaces(2);
      expect(await carryOutCashierCommand({ database, wire, notify }, createCommand())).toMatchObject({ kind: 'done' });
      expect(begun()).toBe(3);
    });

    it('CSH-03: three times at most', async () => {
      const { database, begun } = await losingRaces(9);
      await expect(carryOutCashierCommand({ database, wire, notify }, createCommand())).rejects.toThrow(/[Ff]oreign/);
      expect(begun()).toBe(3);
    });
  });
});
