/** Many invoices in one request are what they would be one by one. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import type { WireInvoice } from '../../invoices/wire.ts';
import type { Caller } from '../support/caller.ts';
import { type System, startSystem } from '../support/system.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

interface Row {
  idempotencyKey: string;
  status: number;
  replayed: string[];
  invoice: WireInvoice | null;
  problem: { code: string; instance: string; errors?: { path: string }[] } | null;
}

const invoice = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
const rowsOf = (count: number) => Array.from({ length: count }, () => ({ idempotencyKey: randomUUID(), invoice }));

const send = (ann: Caller, items: unknown, more: object = {}) =>
  ann.request<{ items: Row[] }>('POST', '/v1/invoices/batch', { body: { items, ...more } });

/** What Postgres has recorded of an invoice, without what is new each time. */
async function recordsOf({ tenantId }: Caller, id: string) {
  const { database } = system;
  const entries = await database.auditEntry.findMany({
    where: { tenantId, entityId: id },
    orderBy: { sequence: 'asc' },
  });
  const events = await database.outboxEvent.findMany({
    where: { tenantId, partitionKey: { endsWith: id } },
    orderBy: { position: 'asc' },
  });
  const commands = await database.command.findMany({
    where: { tenantId, entityId: id },
    orderBy: { recordedAt: 'asc' },
  });
  return {
    entries: entries.map(({ sequence, version, action, actor, status }) => ({
      sequence,
      version,
      action,
      actor,
      status,
    })),
    events: events.map(({ topic, type, sequence }) => ({ topic, type, sequence })),
    commands: commands.map(({ step }) => step),
  };
}

describe('INV-07: a batch', () => {
  it('answers each row as if it were alone', async () => {
    const ann = system.caller();
    const [first, second, third] = rowsOf(3);
    const wrong = { ...second, invoice: { ...invoice, amount: '1.005', colour: 'red' } };
    const { status, body } = await send(ann, [first, wrong, third]);
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      { idempotencyKey: first?.idempotencyKey, status: 201, replayed: [], problem: null },
      { idempotencyKey: second?.idempotencyKey, status: 422, replayed: [], invoice: null },
      { idempotencyKey: third?.idempotencyKey, status: 201, replayed: [], problem: null },
    ]);
    const alone = await ann.request<Row['problem']>('POST', '/v1/invoices', { body: wrong.invoice });
    expect(body.items[1]?.problem).toEqual({ ...alone.body, instance: '/v1/invoices/batch' });
    const { id } = body.items[0]?.invoice ?? { id: '' };
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toEqual(body.items[0]?.invoice);
  });

  it('INV-21: records of each row what it would alone, and numbers without a gap', async () => {
    const ann = system.caller();
    const { body } = await send(ann, rowsOf(250), { finalize: true });
    const made = body.items.flatMap((row) => (row.invoice ? [row.invoice] : []));
    expect(made.map(({ status }) => status)).toEqual(Array.from({ length: 250 }, () => 'finalized'));
    expect(made.map(({ number }) => Number(number?.slice(-6)))).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
    const alone = await ann.finalized();
    for (const { id } of [made[0], made[120], made[249]].flatMap((one) => one ?? []))
      expect(await recordsOf(ann, id)).toEqual(await recordsOf(ann, alone.id));
    await waitFor('every workflow', async () => {
      const query = `BillingTenant = '${ann.tenantId}' AND InvoiceStatus = 'finalized'`;
      return (await system.temporal.client.workflow.count(query)).count === 251;
    });
    await untilSound(system, [ann.tenantId]);
  });

  it('is replayed as a whole, and row by row over the routes of a single invoice', async () => {
    const ann = system.caller();
    const rows = rowsOf(3);
    const { body: first } = await send(ann, rows, { finalize: true });
    const { body: again } = await send(ann, rows, { finalize: true });
    expect(again.items).toEqual(first.items.map((row) => ({ ...row, replayed: ['create', 'finalize'] })));
    const key = rows[0]?.idempotencyKey ?? '';
    const create = { body: invoice, headers: { 'Idempotency-Key': key } };
    const single = await ann.request<WireInvoice>('POST', '/v1/invoices', create);
    expect([single.status, single.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
    const finalize = { headers: { 'Idempotency-Key': `${key}:finalize` } };
    const finalized = await ann.request<WireInvoice>('POST', `/v1/invoices/${single.body.id}/finalize`, finalize);
    expect(finalized.headers.get('Idempotency-Replayed')).toBe('true');
    expect(finalized.body).toEqual(first.items[0]?.invoice);
  });

  it('replays what a single request has done, and refuses its key for other contents', async () => {
    const ann = system.caller();
    const headers = (key: string) => ({ 'Idempotency-Key': key });
    const [same, other] = rowsOf(2);
    const before = await ann.request('POST', '/v1/invoices', {
      body: invoice,
      headers: headers(same?.idempotencyKey ?? ''),
    });
    await ann.request('POST', '/v1/invoices', {
      body: { ...invoice, name: 'Else' },
      headers: headers(other?.idempotencyKey ?? ''),
    });
    const { body } = await send(ann, [same, other, ...rowsOf(1)]);
    expect(body.items).toMatchObject([
      { status: 201, replayed: ['create'], invoice: before.body },
      { status: 422, problem: { code: 'idempotency_key_reused' } },
      { status: 201, replayed: [] },
    ]);
  });

  it('sent twice at once carries out each row once', async () => {
    const ann = system.caller();
    const rows = rowsOf(40);
    const answers = await Promise.all([
      send(ann, rows, { finalize: true }),
      send(ann, rows.toReversed(), { finalize: true }),
    ]);
    const ids = answers.map(({ body }) => body.items.map((row) => row.invoice?.number).toSorted());
    expect(ids[0]).toEqual(ids[1]);
    expect(await system.database.invoice.count({ where: { tenantId: ann.tenantId } })).toBe(40);
    await untilSound(system, [ann.tenantId]);
  });

  it('goes on where a draft was finalized by another command meanwhile', async () => {
    const ann = system.caller();
    const [row] = rowsOf(1);
    const { body: drafted } = await send(ann, [row]);
    await ann.step(drafted.items[0]?.invoice?.id ?? '', 'finalize');
    const { body } = await send(ann, [row], { finalize: true });
    expect(body.items).toMatchObject([
      { status: 409, replayed: ['create'], problem: { code: 'transition_not_allowed' } },
    ]);
  });

  it('has a page for each draft', async () => {
    const ann = system.caller();
    const { body } = await send(ann, rowsOf(1));
    const id = body.items[0]?.invoice?.id ?? '';
    const handle = system.temporal.client.workflow.getHandle(invoiceWorkflowId(ann.tenantId, id));
    expect(await waitFor('the workflow', async () => (await handle.describe()).status.name)).toBe('RUNNING');
  });

  const [one, two] = rowsOf(2);
  it.each<[string, unknown, string]>([
    ['no rows', [], 'items'],
    ['too many rows', rowsOf(501), 'items'],
    ['a key twice', [one, two, one], 'items.2.idempotencyKey'],
    ['a row without a key', [{ invoice }], 'items.0.idempotencyKey'],
    ['a row with something else', [{ ...one, colour: 'red' }], 'items.0.colour'],
  ])('is refused as a whole for %s', async (_, items, path) => {
    const ann = system.caller();
    const answer = await send(ann, items);
    expect(answer).toMatchObject({ status: 422, body: { code: 'validation_failed', errors: [{ path }] } });
    expect(await system.database.invoice.count({ where: { tenantId: ann.tenantId } })).toBe(0);
  });
});
