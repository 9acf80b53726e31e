import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, paymentOf } from '../support/caller.ts';
import { type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { atMost } from '../support/speed.ts';
import { type System, startSystem } from '../support/system.ts';

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

const body = { name: '  Hosting, November ', amount: '1200.00', currency: 'eur' };
const today = () => new Date().toISOString().slice(0, 10);
const addDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

describe('create', () => {
  it('INV-01: answers 201 with Location, ETag "1" and the draft', async () => {
    const { status, headers, body: invoice } = await caller().request<WireInvoice>('POST', '/v1/invoices', { body });
    expect(status).toBe(201);
    expect(headers.get('Location')).toBe(`/v1/invoices/${invoice.id}`);
    expect(headers.get('ETag')).toBe('"1"');
    expect(invoice).toMatchObject({
      name: 'Hosting, November',
      status: 'draft',
      amount: '1200.00',
      currency: 'EUR',
      amountPaid: '0.00',
      version: 1,
      number: null,
      dueDate: null,
      overdue: false,
    });
    expect(invoice.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(Math.abs(Date.now() - Date.parse(invoice.createdAt))).toBeLessThan(atMost(10_000));
    expect(invoice.updatedAt).toBe(invoice.createdAt);
  });

  it('INV-02: emits one InvoiceCreated with the whole invoice and one internal InvoiceGenerated', async () => {
    const ann = caller();
    const invoice = await ann.draft();
    const events = await subscriber.waitForEvents(ann.tenantId, 2);
    expect(events.map(({ topic, type }) => `${topic} ${type}`).toSorted()).toEqual([
      'test.billing.internal.invoices.v1 billing.invoice.generated.v1',
      'test.billing.public.invoices.v1 billing.invoice.created.v1',
    ]);
    const created = events.find(({ type }) => type === 'billing.invoice.created.v1');
    expect(created?.data).toEqual({ tenantId: ann.tenantId, invoice });
    const generated = events.find(({ type }) => type === 'billing.invoice.generated.v1');
    expect(generated?.data).toEqual({ tenantId: ann.tenantId, invoiceId: invoice.id, invoiceAmount: '1200.00' });
  });

  it('INV-03: without a key two creates make two invoices', async () => {
    const ann = caller();
    expect((await ann.draft()).id).not.toBe((await ann.draft()).id);
  });

  it('INV-03: with one key and body there is one invoice, and the second answer says so', async () => {
    const ann = caller();
    const headers = { 'Idempotency-Key': 'order-1' };
    const first = await ann.request<WireInvoice>('POST', '/v1/invoices', { body, headers });
    const second = await ann.request<WireInvoice>('POST', '/v1/invoices', { body, headers });
    expect(first.headers.get('Idempotency-Replayed')).toBeNull();
    expect(second.status).toBe(201);
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect(second.body).toEqual(first.body);
    const other = await ann.request('POST', '/v1/invoices', { body: { ...body, amount: '1.00' }, headers });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  it('INV-03: fifty at once with one key make one invoice', async () => {
    const ann = caller();
    const headers = { 'Idempotency-Key': 'fifty' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ann.request<WireInvoice>('POST', '/v1/invoices', { body, headers })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(await system.database.invoice.count({ where: { tenantId: ann.tenantId } })).toBe(1);
    expect(await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } })).toBe(2);
  });

  it.each([
    ['a currency without minor units', { currency: 'XAU' }, 'currency', 'unknown_currency'],
    ['an unknown currency', { currency: 'ZZZ' }, 'currency', 'unknown_currency'],
    ['too many decimals', { amount: '1.001' }, 'amount', 'too_many_decimals'],
    ['decimals in yen', { amount: '1.5', currency: 'JPY' }, 'amount', 'too_many_decimals'],
    ['an exponent', { amount: '1e3' }, 'amount', 'not_a_decimal'],
    ['nothing', { amount: '0' }, 'amount', 'out_of_range'],
    ['a minus', { amount: -5 }, 'amount', 'not_a_decimal'],
    ['more than the largest amount', { amount: '1000000000000.00' }, 'amount', 'out_of_range'],
    ['a name that is a number', { name: 7 }, 'name', 'invalid_type'],
    ['a short name', { name: ' x ' }, 'name', 'too_small'],
    ['a long name', { name: 'x'.repeat(101) }, 'name', 'too_big'],
    ['a due date that is no date', { dueDate: '2030-02-30' }, 'dueDate', 'invalid_format'],
    ['a due date in the past', { dueDate: '2020-01-01' }, 'dueDate', 'in_the_past'],
  ])('INV-04: refuses %s', async (_what, change, path, code) => {
    const answer = await caller().request('POST', '/v1/invoices', { body: { ...body, ...change } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ path, code }] } });
  });

  it('INV-04: refuses a cashier that does not exist', async () => {
    const answer = await caller().request('POST', '/v1/invoices', { body: { ...body, cashierId: randomUUID() } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'unknown_cashier' } });
  });

  it('INV-04: takes the largest amount, yen, a JSON number and today as due date', async () => {
    const ann = caller();
    expect((await ann.draft({ amount: '999999999999.99' })).amount).toBe('999999999999.99');
    expect((await ann.draft({ amount: 1200, currency: 'JPY' })).amount).toBe('1200');
    expect((await ann.draft({ amount: 0.5 })).amount).toBe('0.50');
    expect((await ann.draft({ dueDate: today() })).dueDate).toBe(today());
  });

  it('INV-05: lists every fault of a request at once, unknown members too', async () => {
    const wrong = { name: 'x', amount: '1.2345', currency: 'EUR', dueDate: '2020-01-01', colour: 'red' };
    const answer = await caller().request<{ errors: { path: string }[] }>('POST', '/v1/invoices', { body: wrong });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ path }) => path).toSorted()).toEqual(['amount', 'colour', 'dueDate', 'name']);
  });

  it.each([
    ['malformed JSON', { rawBody: '{"name":' }, 400, 'malformed_request'],
    [
      'another media type',
      { rawBody: 'name=x', headers: { 'Content-Type': 'text/plain' } },
      415,
      'unsupported_media_type',
    ],
    ['a body that is too large', { body: { ...body, name: 'x'.repeat(70_000) } }, 413, 'payload_too_large'],
    ['no body', {}, 422, 'validation_failed'],
    ['a list', { body: [] }, 422, 'validation_failed'],
    ['a tenant that is no UUID', { body, headers: { 'X-Tenant-Id': 'acme' } }, 400, 'invalid_tenant'],
    ['an Idempotency-Key with spaces', { body, headers: { 'Idempotency-Key': 'a b' } }, 400, 'invalid_header'],
  ])('INV-05: %s is a clear problem', async (_what, options, status, code) => {
    const answer = await caller().request('POST', '/v1/invoices', options);
    expect(answer).toMatchObject({ status, body: { code, status } });
    expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
  });

  it('INV-03: every answer of a command carries its key, problems too, so that it can be sent again safely', async () => {
    const ann = caller();
    const { id } = await ann.draft();
    expect((await ann.pay(id)).headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/);
    const headers = { 'Idempotency-Key': 'mine' };
    expect((await ann.step(id, 'cancel', { headers })).headers.get('Idempotency-Key')).toBe('mine');
  });

  it('INV-06: a refused command changes nothing and emits nothing; the same key is decided afresh', async () => {
    const ann = caller();
    const { id } = await ann.draft();
    const payment = paymentOf();
    const headers = { 'Idempotency-Key': 'pay-once' };
    expect(await ann.step(id, 'pay', { body: payment, headers })).toMatchObject({
      status: 409,
      body: { code: 'transition_not_allowed' },
    });
    expect(await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } })).toBe(2);
    expect(await system.database.command.count({ where: { tenantId: ann.tenantId } })).toBe(1);
    expect(await system.database.refusal.count({ where: { tenantId: ann.tenantId } })).toBe(1);
    await ann.step(id, 'finalize');
    expect(await ann.step(id, 'pay', { body: payment, headers })).toMatchObject({
      status: 200,
      body: { status: 'paid' },
    });
  });
});

describe('read', () => {
  it('INV-10: get gives the invoice with its ETag', async () => {
    const ann = caller();
    const invoice = await ann.finalized();
    const answer = await ann.request('GET', `/v1/invoices/${invoice.id}`);
    expect(answer).toMatchObject({ status: 200, body: invoice });
    expect(answer.headers.get('ETag')).toBe('"2"');
  });

  it('INV-10, TEN-02: unknown, malformed and another tenant’s ids cannot be told apart', async () => {
    const ann = caller();
    const foreign = (await caller().draft()).id;
    for (const [method, action] of [
      ['GET', ''],
      ['GET', '/history'],
      ['PATCH', ''],
      ['POST', '/finalize'],
      ['POST', '/cancel'],
      ['POST', '/pay'],
    ] as const) {
      const given = { PATCH: { name: 'Other' }, POST: action === '/pay' ? paymentOf() : {}, GET: undefined }[method];
      const answers = await Promise.all(
        [foreign, randomUUID(), 'no-uuid'].map((id) =>
          ann
            .request<{ detail: string; instance: string }>(
              method,
              `/v1/invoices/${id}${action}`,
              given ? { body: given } : {},
            )
            .then((answer) => ({
              status: answer.status,
              body: JSON.stringify(answer.body).replaceAll(id, '{id}'),
            })),
        ),
      );
      expect(answers[0]).toMatchObject({ status: 404, body: expect.stringContaining('invoice_not_found') });
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    }
  });

  it('TEN-01, TEN-02: two tenants may use one key and one payment reference', async () => {
    const headers = { 'Idempotency-Key': 'same' };
    const [ann, bob] = [caller(), caller()];
    const [a, b] = await Promise.all(
      [ann, bob].map((who) => who.request<WireInvoice>('POST', '/v1/invoices', { body, headers })),
    );
    expect([a?.status, b?.status]).toEqual([201, 201]);
    expect(a?.body.id).not.toBe(b?.body.id);
    const reference = `PAY-${randomUUID()}`;
    for (const who of [ann, bob]) expect((await who.pay((await who.finalized()).id, { reference })).status).toBe(200);
    expect((await ann.request<{ items: unknown[] }>('GET', '/v1/invoices')).body.items).toHaveLength(2);
  });

  it('INV-11: the list is newest first, in pages that stay put while invoices are added', async () => {
    const ann = caller();
    const made: string[] = [];
    for (let n = 0; n < 7; n += 1) made.push((await ann.draft({ name: `Invoice ${n}` })).id);
    type List = { items: WireInvoice[]; nextCursor: string | null };
    const first = await ann.request<List>('GET', '/v1/invoices?limit=3');
    await ann.draft({ name: 'Added later' });
    const second = await ann.request<List>('GET', `/v1/invoices?limit=3&cursor=${first.body.nextCursor}`);
    const third = await ann.request<List>('GET', `/v1/invoices?limit=3&cursor=${second.body.nextCursor}`);
    expect([...first.body.items, ...second.body.items, ...third.body.items].map(({ id }) => id)).toEqual(
      made.toReversed(),
    );
    expect(third.body.nextCursor).toBeNull();
  });

  it('INV-11: filters, and refuses unknown ones', async () => {
    const ann = caller();
    const draft = await ann.draft({ customerReference: 'C-1', dueDate: addDays(10) });
    const final = await ann.finalized({ currency: 'USD', dueDate: addDays(20) });
    const ids = async (query: string) => {
      const { body: list } = await ann.request<{ items: WireInvoice[] }>('GET', `/v1/invoices?${query}`);
      return list.items.map(({ id }) => id);
    };
    expect(await ids('status=draft')).toEqual([draft.id]);
    expect(await ids('currency=usd')).toEqual([final.id]);
    expect(await ids('customerReference=C-1')).toEqual([draft.id]);
    expect(await ids(`number=${final.number}`)).toEqual([final.id]);
    expect(await ids(`dueBefore=${addDays(15)}`)).toEqual([draft.id]);
    expect(await ids(`dueAfter=${addDays(15)}`)).toEqual([final.id]);
    expect(await ids(`cashierId=${randomUUID()}`)).toEqual([]);
    for (const query of [
      'colour=red',
      'limit=0',
      'limit=201',
      'cursor=nonsense',
      'status=open',
      'status=draft&status=paid',
    ]) {
      expect(await ann.request('GET', `/v1/invoices?${query}`)).toMatchObject({
        status: 422,
        body: { code: 'validation_failed' },
      });
    }
  });

  it('INV-12: the history tells who did what, when and why', async () => {
    const ann = caller();
    const { id } = await ann.finalized();
    await ann.step(id, 'cancel', { body: { reason: 'Ordered twice' }, headers: { 'X-Actor': 'bob' } });
    const { body: history } = await ann.request<{ items: unknown[] }>('GET', `/v1/invoices/${id}/history`);
    expect(history.items).toMatchObject([
      { version: 1, action: 'create', actor: 'ann', status: 'draft', reason: null },
      { version: 2, action: 'finalize', actor: 'ann', status: 'finalized', reason: null },
      { version: 3, action: 'cancel', actor: 'bob', status: 'cancelled', reason: 'Ordered twice' },
    ]);
  });

  // A header has bytes, and Node reads them as Latin-1; what is written into the history stays there for good.
  it.each([
    ['UTF-8, as most send it', 'utf8'],
    ['Latin-1, as fetch sends it', 'latin1'],
  ] as const)('INV-12: a name in X-Actor is kept as it was written, in %s', async (_what, encoding) => {
    const ann = caller();
    const headers = { 'X-Actor': Buffer.from('José Müller', encoding).toString('latin1') };
    const { body: invoice } = await ann.request<WireInvoice>('POST', '/v1/invoices', { body, headers });
    const { body: history } = await ann.request<object>('GET', `/v1/invoices/${invoice.id}/history`);
    expect(history).toMatchObject({ items: [{ actor: 'José Müller' }] });
  });
});

describe('change', () => {
  it('INV-20: update changes the members given, null clears, absent stays', async () => {
    const ann = caller();
    const { id } = await ann.draft({ customerReference: 'C-1', dueDate: addDays(5) });
    const answer = await ann.request('PATCH', `/v1/invoices/${id}`, {
      body: { name: 'Other', customerReference: null, amount: '7', currency: 'JPY' },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { name: 'Other', customerReference: null, amount: '7', currency: 'JPY', dueDate: addDays(5), version: 2 },
    });
    expect(answer.headers.get('ETag')).toBe('"2"');
    expect(await ann.request('PATCH', `/v1/invoices/${id}`, { body: { amount: '8' } })).toMatchObject({
      status: 200,
      body: { amount: '8', currency: 'JPY', version: 3 },
    });
  });

  it('INV-21, INV-22: finalize gives gap-free numbers, and a due date when there is none', async () => {
    const ann = caller();
    const year = new Date().getUTCFullYear();
    const drafts = await Promise.all(Array.from({ length: 12 }, () => ann.draft()));
    const finals = await Promise.all(drafts.map(({ id }) => ann.step(id, 'finalize', { body: {} })));
    expect(finals.map((answer) => answer.body.number).toSorted()).toEqual(
      drafts.map((_, index) => `INV-${year}-${String(index + 1).padStart(6, '0')}`),
    );
    expect(new Set(finals.map((answer) => answer.body.dueDate))).toEqual(new Set([addDays(30)]));
    const events = await subscriber.waitForEvents(ann.tenantId, 36);
    const finalized = events.filter(({ type }) => type === 'billing.invoice.finalized.v1');
    expect(finalized).toHaveLength(12);
    expect(finalized[0]?.data).toMatchObject({ finalTotalAmount: '1200.00', number: expect.stringMatching(/^INV-/) });
  });

  it('INV-30: cancel keeps its reason in history and event', async () => {
    const ann = caller();
    const { id } = await ann.draft();
    expect(await ann.step(id, 'cancel', { body: { reason: 'x'.repeat(501) } })).toMatchObject({ status: 422 });
    expect(await ann.step(id, 'cancel', { body: { reason: 'Ordered twice' } })).toMatchObject({
      status: 200,
      body: { status: 'cancelled', cancelReason: 'Ordered twice' },
    });
    const events = await subscriber.waitForEvents(ann.tenantId, 3);
    expect(events.find(({ type }) => type === 'billing.invoice.cancelled.v1')?.data).toMatchObject({
      reason: 'Ordered twice',
    });
  });

  it('INV-31: If-Match with another version is refused with the current one', async () => {
    const ann = caller();
    const { id } = await ann.finalized();
    const stale = await ann.step(id, 'cancel', { headers: { 'If-Match': '"1"' } });
    expect(stale).toMatchObject({ status: 412, body: { code: 'version_conflict', currentVersion: 2 } });
    expect(await ann.step(id, 'cancel', { headers: { 'If-Match': 'W/"2"' } })).toMatchObject({
      status: 400,
      body: { code: 'invalid_header' },
    });
    expect((await ann.step(id, 'cancel', { headers: { 'If-Match': '"2"' } })).status).toBe(200);
  });

  it('INV-32: of two callers with the same version exactly one wins', async () => {
    const ann = caller();
    const { id } = await ann.draft();
    const both = await Promise.all(
      ['first', 'second'].map((name) =>
        ann.request('PATCH', `/v1/invoices/${id}`, { body: { name }, headers: { 'If-Match': '"1"' } }),
      ),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 412]);
  });

  it('a step that the status does not allow says what is allowed', async () => {
    const ann = caller();
    const { id } = await ann.draft();
    expect(await ann.pay(id)).toMatchObject({
      status: 409,
      body: {
        code: 'transition_not_allowed',
        invoiceStatus: 'draft',
        allowedActions: ['update', 'finalize', 'cancel'],
      },
    });
    await ann.step(id, 'cancel');
    expect(await ann.step(id, 'finalize')).toMatchObject({
      status: 409,
      body: { invoiceStatus: 'cancelled', allowedActions: [] },
    });
  });
});

describe('pay', () => {
  it.each([
    ['less', { amount: '1199.99' }, 'payment_below_amount'],
    ['more', { amount: '1200.01' }, 'payment_above_amount'],
    ['another currency', { currency: 'USD' }, 'currency_mismatch'],
    ['a time in the future', { receivedAt: new Date(Date.now() + 600_000).toISOString() }, 'validation_failed'],
  ])('INV-40: refuses %s', async (_what, change, code) => {
    const ann = caller();
    const { id } = await ann.finalized();
    expect(await ann.pay(id, change)).toMatchObject({ status: 422, body: { code } });
  });

  it('INV-41: a reference used for the same payment is a replay, for another a conflict', async () => {
    const ann = caller();
    const [a, b] = [await ann.finalized(), await ann.finalized()];
    const reference = `PAY-${randomUUID()}`;
    expect((await ann.pay(a.id, { reference })).status).toBe(200);
    const again = await ann.pay(a.id, { reference });
    expect(again).toMatchObject({ status: 200, body: { status: 'paid', version: 3 } });
    expect(await ann.pay(b.id, { reference })).toMatchObject({ status: 409, body: { code: 'payment_reference_used' } });
    expect(await ann.pay(a.id, { reference, amount: '5.00' })).toMatchObject({
      status: 409,
      body: { code: 'payment_reference_used' },
    });
    expect(await system.database.payment.count({ where: { tenantId: ann.tenantId } })).toBe(1);
  });

  it('INV-41: one reference on two invoices at the same moment pays one of them', async () => {
    const ann = caller();
    const invoices = await Promise.all(Array.from({ length: 6 }, () => ann.finalized()));
    const reference = `PAY-${randomUUID()}`;
    const answers = await Promise.all(invoices.map(({ id }) => ann.pay(id, { reference })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map((answer) => answer.body.code))).toEqual(
      new Set(['payment_reference_used']),
    );
  });

  it('INV-42: a paid invoice has amountPaid, paidAt, one payment row, and an InvoicePaid with both', async () => {
    const ann = caller();
    const { id } = await ann.finalized();
    const receivedAt = '2026-01-15T10:00:00+01:00';
    const { body: paid } = await ann.pay(id, { reference: 'R-1', receivedAt });
    expect(paid).toMatchObject({ status: 'paid', amountPaid: '1200.00', paidAt: '2026-01-15T09:00:00.000Z' });
    const events = await subscriber.waitForEvents(ann.tenantId, 4);
    expect(events.find(({ type }) => type === 'billing.invoice.paid.v1')?.data).toEqual({
      tenantId: ann.tenantId,
      invoice: paid,
      payment: {
        amount: '1200.00',
        currency: 'EUR',
        method: 'bank transfer',
        reference: 'R-1',
        receivedAt: '2026-01-15T09:00:00.000Z',
      },
    });
    expect(await system.database.payment.count({ where: { tenantId: ann.tenantId, invoiceId: id } })).toBe(1);
  });
});

describe('events', () => {
  it('MSG-02: the events of an invoice are one stream with sequences 1..n, in the order of its versions', async () => {
    const ann = caller();
    const { id } = await ann.draft();
    for (const name of ['One', 'Two', 'Three']) await ann.request('PATCH', `/v1/invoices/${id}`, { body: { name } });
    await ann.step(id, 'finalize');
    await ann.pay(id);
    const events = await subscriber.waitForEvents(ann.tenantId, 7);
    const streams = sequencesByStream(events);
    expect(streams.get(`test.billing.public.invoices.v1|${ann.tenantId}|${id}`)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(streams.get(`test.billing.internal.invoices.v1|${ann.tenantId}|${id}`)).toEqual([1]);
  });
});

describe('the edge', () => {
  it('unknown routes and methods are problems too', async () => {
    const ann = caller();
    expect(await ann.request('GET', '/v2/invoices')).toMatchObject({ status: 404, body: { code: 'route_not_found' } });
    const wrong = await ann.request('DELETE', '/v1/invoices');
    expect(wrong).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(wrong.headers.get('Allow')).toBe('GET, HEAD, POST, OPTIONS');
    expect(await ann.request('GET', '/v1/invoices/%E0%A4%A')).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    });
    expect(await ann.request('GET', `/v1/operations/${randomUUID()}`)).toMatchObject({
      status: 404,
      body: { code: 'operation_not_found' },
    });
  });

  it('health says that the service is ready, and what waits for Kafka', async () => {
    const ann = caller();
    expect(await ann.request('GET', '/health/live')).toMatchObject({ status: 200, body: { status: 'live' } });
    expect(await ann.request('GET', '/health/ready')).toMatchObject({
      status: 200,
      body: {
        status: 'ready',
        kafka: { unpublishedEvents: expect.any(Number), oldestUnpublishedSeconds: expect.any(Number) },
      },
    });
  });

  it('every published schema is served where ce_dataschema says', async () => {
    const ann = caller();
    await ann.draft();
    for (const { headers } of await subscriber.waitForEvents(ann.tenantId, 2)) {
      const { pathname } = new URL(headers['ce_dataschema'] ?? '');
      expect(await ann.request('GET', pathname)).toMatchObject({ status: 200, body: { type: 'object' } });
    }
  });
});
