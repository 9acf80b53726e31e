/**
 * What a value may be, at the entrances that only the whole service has. What would break without it: a body that one
 * check takes and the next one refuses is answered with 500, and an amount is not the one that was sent.
 */
import type { WireInvoice } from '../../invoices/wire.ts';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, type Problem, paymentOf } from '../support/caller.ts';
import { type Gateway, outcomesIn, paymentMessage, startGateway } from '../support/gateway.ts';
import { staffOf } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';

let system: System;
let gateway: Gateway;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  gateway = await startGateway(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

const draft = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
const staff = (ann: Caller, id: string) => staffOf(system.temporal.client, system.temporal.namespace, ann.tenantId, id);
const send = (ann: Caller, rawBody: string) => ann.request<WireInvoice & Problem>('POST', '/v1/invoices', { rawBody });
const change = (ann: Caller, id: string, body: object) =>
  ann.request<WireInvoice & Problem>('PATCH', `/v1/invoices/${id}`, { body });
const wrongField = (path: string, code: string) => ({
  status: 422,
  body: { code: 'validation_failed', errors: [{ path, code }] },
});

describe('lengths', () => {
  it('INV-04: a name of 100 characters, one of them beyond the sixteen bits of JavaScript, is taken by API and workflow', async () => {
    const ann = system.caller();
    const name = `${'a'.repeat(99)}👍`;
    expect(await ann.request('POST', '/v1/invoices', { body: { ...draft, name } })).toMatchObject({
      status: 201,
      body: { name },
    });
    expect(await ann.request('POST', '/v1/invoices', { body: { ...draft, name: `${name}a` } })).toMatchObject(
      wrongField('name', 'too_big'),
    );
  });

  it('INV-04: the longest texts that REST takes are taken by the workflow, in every step', async () => {
    const ann = system.caller();
    const { id } = await ann.draft({ customerReference: '👍'.repeat(64) });
    expect(await change(ann, id, { name: '👍'.repeat(100) })).toMatchObject({ status: 200 });
    expect((await ann.step(id, 'finalize')).status).toBe(200);
    const payment = { method: '👍'.repeat(50), reference: `${crypto.randomUUID()}${'👍'.repeat(64)}` };
    expect((await ann.pay(id, payment)).status).toBe(200);
    const other = await ann.draft();
    expect((await ann.step(other.id, 'cancel', { body: { reason: '👍'.repeat(500) } })).status).toBe(200);
  });

  it('INV-04: a name of characters that nobody sees is refused, and they are trimmed off', async () => {
    const ann = system.caller();
    const unseen = '\u200B\u200B\u200B';
    expect(await ann.request('POST', '/v1/invoices', { body: { ...draft, name: unseen } })).toMatchObject(
      wrongField('name', 'too_small'),
    );
    expect((await ann.draft({ name: `${unseen}Hosting${unseen}` })).name).toBe('Hosting');
  });
});

describe('bodies', () => {
  it.each(['19.999999999999999', '1e2', '1200.000', '-0', '1E+2', '100000000000000000000.00'])(
    'INV-04: the JSON number %s is refused as it is in quotes',
    async (digits) => {
      const ann = system.caller();
      const asNumber = await send(ann, `{"name": "Hosting", "currency": "EUR", "amount": ${digits}}`);
      const asText = await send(ann, `{"name": "Hosting", "currency": "EUR", "amount": "${digits}"}`);
      expect(asNumber.status).toBe(422);
      expect(asNumber.body.errors).toEqual(asText.body.errors);
    },
  );

  it.each([
    ['999999999999.99', '999999999999.99'],
    ['1200.00', '1200.00'],
    ['12.50', '12.50'],
  ])('INV-04: the JSON number %s is taken as it stands', async (digits, amount) => {
    const answer = await send(system.caller(), `{"name": "Hosting", "currency": "EUR", "amount": ${digits}}`);
    expect(answer).toMatchObject({ status: 201, body: { amount } });
  });

  it('INV-05: a body that is no UTF-8 is refused', async () => {
    const ann = system.caller();
    const bytes = Buffer.from('{"name": "Caf\u00E9 de la Gare", "amount": "1.00", "currency": "EUR"}', 'latin1');
    const response = await fetch(`${system.url}/v1/invoices`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': ann.tenantId },
      body: bytes,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'malformed_request' });
    expect(await system.database.invoice.count({ where: { tenantId: ann.tenantId } })).toBe(0);
  });

  it.each([
    ['a body cut off inside a text', '{"name": "', {}, 400],
    ['a body that is nested too deep', '['.repeat(60_000), {}, 400],
    ['a number alone', '1.0', {}, 400],
    ['another charset', '{}', { 'Content-Type': 'application/json; charset=utf-16' }, 415],
    ['another encoding', '{}', { 'Content-Encoding': 'zip' }, 415],
    ['an encoding that the body does not have', '{}', { 'Content-Encoding': 'gzip' }, 400],
  ])('INV-05: %s is a clear problem', async (_what, rawBody, headers, status) => {
    const headersSent = { 'Content-Type': 'application/json', ...headers };
    const answer = await system.caller().request('POST', '/v1/invoices', { rawBody, headers: headersSent });
    expect(answer).toMatchObject({ status, body: { status } });
  });
});

describe('currencies', () => {
  it('INV-04: a letter that only becomes one of a code in capitals names no currency, at any entrance', async () => {
    const ann = system.caller();
    const currency = 'ıSK'; // the dotless i of Turkish
    const body = { ...draft, amount: '1200', currency };
    expect(await ann.request('POST', '/v1/invoices', { body })).toMatchObject(
      wrongField('currency', 'unknown_currency'),
    );
    expect(await ann.request('GET', `/v1/invoices?currency=${encodeURIComponent(currency)}`)).toMatchObject(
      wrongField('currency', 'unknown_currency'),
    );
    const cashier = { name: 'Kasse Nord', email: 'nord@example.com' };
    const { body: made } = await ann.request<{ id: string }>('POST', '/v1/cashiers', { body: cashier });
    const path = `/v1/cashiers/${made.id}/currencies/${encodeURIComponent(currency)}`;
    expect(await ann.request('PUT', path, { body: { effectiveFrom: '2030-01-01' } })).toMatchObject(
      wrongField('code', 'unknown_currency'),
    );
    expect(await ann.request('DELETE', path)).toMatchObject(wrongField('code', 'unknown_currency'));
  });

  it('INV-04, PAY-05: nor does it in a message', async () => {
    const ann = system.caller();
    const { id } = await ann.finalized({ amount: '1200', currency: 'ISK' });
    const message = paymentMessage(ann.tenantId, id, { amount: '1200', currency: 'ıSK' });
    await gateway.send(message);
    expect(await outcomesIn(system).untilStored(message)).toMatchObject({ reason: 'invalid_data' });
  });
});

describe('an amount alone, and a currency alone', () => {
  it('INV-20: an amount alone is in the currency of the invoice', async () => {
    const ann = system.caller();
    const euros = await ann.draft();
    expect(await change(ann, euros.id, { amount: '1300.00' })).toMatchObject({
      status: 200,
      body: { amount: '1300.00', currency: 'EUR' },
    });
    const yen = await ann.draft({ amount: '1200', currency: 'JPY' });
    expect(await change(ann, yen.id, { amount: '1300.00' })).toMatchObject(wrongField('amount', 'too_many_decimals'));
    expect(await change(ann, yen.id, { amount: 1300 })).toMatchObject({ status: 200, body: { amount: '1300' } });
  });

  it('INV-20: a currency alone keeps the decimal amount, which must fit it', async () => {
    const ann = system.caller();
    const { id } = await ann.draft({ amount: '1300.00' });
    expect(await change(ann, id, { currency: 'JPY' })).toMatchObject(wrongField('amount', 'too_many_decimals'));
    expect(await change(ann, id, { currency: 'KWD' })).toMatchObject({
      status: 200,
      body: { amount: '1300.000', currency: 'KWD' },
    });
  });

  it('INV-20, INV-03: with one key an amount alone is changed once, and the answer is given again', async () => {
    const ann = system.caller();
    const { id } = await ann.draft();
    const options = { body: { amount: '1300.00' }, headers: { 'Idempotency-Key': 'price' } };
    const first = await ann.request('PATCH', `/v1/invoices/${id}`, options);
    const second = await ann.request('PATCH', `/v1/invoices/${id}`, options);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
  });

  it('INV-20: the cashier is asked about a currency alone, and not about an amount alone', async () => {
    const ann = system.caller();
    const { body: cashier } = await ann.request<{ id: string }>('POST', '/v1/cashiers', {
      body: { name: 'Kasse Nord', email: 'nord@example.com' },
    });
    const { id } = await ann.draft({ cashierId: cashier.id });
    const path = `/v1/cashiers/${cashier.id}/currencies/USD`;
    expect((await ann.request('PUT', path, { body: { effectiveFrom: '2025-01-01' } })).status).toBe(200);
    expect((await change(ann, id, { amount: '1300.00' })).status).toBe(200);
    expect(await change(ann, id, { currency: 'CHF' })).toMatchObject({
      status: 422,
      body: { code: 'currency_not_accepted' },
    });
    expect((await change(ann, id, { currency: 'USD' })).status).toBe(200);
  });

  it('INV-20: staff may change an amount alone in minor units', async () => {
    const ann = system.caller();
    const { id } = await ann.draft();
    await staff(ann, id).update('update', { actor: 'eve', body: { amountMinor: 130_000 } });
    const { body } = await ann.request('GET', `/v1/invoices/${id}`);
    expect(body).toMatchObject({ amount: '1300.00', currency: 'EUR', version: 2 });
  });
});

describe('instants', () => {
  it('INV-40: a payment received more than ten years ago is refused, over REST and by staff', async () => {
    const ann = system.caller();
    const { id } = await ann.finalized();
    const receivedAt = '0001-01-01T00:00:00Z';
    expect(await ann.pay(id, { receivedAt })).toMatchObject(wrongField('receivedAt', 'too_long_ago'));
    const body = { amountMinor: 120_000, currency: 'EUR', method: 'wire', reference: 'B-1', receivedAt };
    await expect(staff(ann, id).update('pay', { actor: 'eve', body })).rejects.toThrow(WorkflowUpdateFailedError);
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({ status: 'finalized' });
    expect((await ann.pay(id, { receivedAt: new Date(Date.now() - 60_000).toISOString() })).status).toBe(200);
  });

  it('INV-40, PAY-05: so is one that comes as a message', async () => {
    const ann = system.caller();
    const { id } = await ann.finalized();
    const message = paymentMessage(ann.tenantId, id, { receivedAt: '0001-01-01T00:00:00Z' });
    await gateway.send(message);
    expect(await outcomesIn(system).untilStored(message)).toMatchObject({ reason: 'validation_failed' });
  });

  it('INV-40: an instant that does not exist is refused as an update of staff too, and the first line says why', async () => {
    const ann = system.caller();
    const { id } = await ann.finalized();
    const body = { ...paymentOf(), amountMinor: 0, colour: 'red', receivedAt: '2026-02-31T00:00:00Z' };
    const failure = await staff(ann, id)
      .update('pay', { actor: 'eve', body })
      .then(
        () => undefined,
        (error: WorkflowUpdateFailedError) => error.cause,
      );
    expect(failure).toMatchObject({ type: 'validation_failed' });
    const [firstLine] = failure?.message.split('\n') ?? [];
    for (const fault of ['colour: is not a member', 'amountMinor: must not be', 'receivedAt: must be an instant'])
      expect(firstLine).toContain(fault);
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({ status: 'finalized' });
  });
});

it.each(['/v1/invoices', '/v1/cashiers', '/v1/dead-letters'])(
  'INV-11: %s takes a limit of plain digits only',
  async (path) => {
    const ann = system.caller();
    for (const limit of ['0x10', '1e1', '%2B5', '1.0', ' 5', ''])
      expect(await ann.request('GET', `${path}?limit=${limit}`)).toMatchObject(wrongField('limit', 'invalid_type'));
    expect((await ann.request('GET', `${path}?limit=5`)).status).toBe(200);
  },
);
