/** What a caller sees while the answer takes long (design: the life of a command, waiting). */
import type { WireInvoice } from '../../invoices/wire.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../support/caller.ts';
import { atMost } from '../support/speed.ts';
import { staffOf } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const body = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };

describe('without a worker', () => {
  it('nobody accepts the command: 503 with Retry-After, and the same key makes one invoice later', async () => {
    // Of its own: the relays of other tests must not be started on a queue that nobody reads later.
    const TEMPORAL_NAMESPACE = `waiting-${crypto.randomUUID()}`;
    const lonely = await startSystem({ TEMPORAL_NAMESPACE, REQUEST_DEADLINE_MS: '1000' }, { worker: false });
    const ann = lonely.caller();
    const headers = { 'Idempotency-Key': 'patient' };
    const first = await ann.request('POST', '/v1/invoices', { body, headers, once: true });
    expect(first).toMatchObject({ status: 503, body: { code: 'temporarily_unavailable' } });
    expect(first.headers.get('Retry-After')).toBe('1');
    await lonely.stop();

    const complete = await startSystem({ TEMPORAL_NAMESPACE });
    const again = complete.caller(ann.tenantId);
    expect((await again.request('POST', '/v1/invoices', { body, headers })).status).toBe(201);
    const { body: list } = await again.request<{ items: unknown[] }>('GET', '/v1/invoices');
    expect(list.items).toHaveLength(1);
    await complete.stop();
  });
});

describe('with a database that is held up', () => {
  let system: System;
  let ann: Caller;
  beforeAll(async () => {
    system = await startSystem({ REQUEST_DEADLINE_MS: '4000' });
    ann = system.caller();
  });
  afterAll(() => system?.stop());

  type Operation = { status: string; invoice: WireInvoice | null; problem: { code: string } | null };

  /** Holds the invoice's row until `work` has its answer. */
  async function whileLocked<T>(id: string, work: () => Promise<T>): Promise<T> {
    return system.database.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT set_config('idle_in_transaction_session_timeout', '0', true)`;
        await tx.$queryRaw`SELECT 1 FROM invoices WHERE id = ${id}::uuid FOR UPDATE`;
        return work();
      },
      { timeout: atMost(30_000) },
    );
  }

  it('accepted but not answered in time: 202, and Location tells the result', async () => {
    const { id } = await ann.finalized();
    const accepted = await whileLocked(id, () => ann.step(id, 'cancel', { body: { reason: 'late' }, once: true }));
    expect(accepted).toMatchObject({ status: 202, body: { status: 'pending', invoice: null } });
    const location = accepted.headers.get('Location') ?? '';
    expect(location).toMatch(new RegExp(`^/v1/operations/[0-9a-f-]{36}\\?invoiceId=${id}$`));
    const done = await waitFor('the operation', async () => {
      const { body: operation } = await ann.request<Operation>('GET', location);
      return operation.status === 'pending' ? undefined : operation;
    });
    expect(done).toMatchObject({
      status: 'succeeded',
      invoice: { status: 'cancelled', cancelReason: 'late' },
      problem: null,
    });
    // TEN-02: another tenant does not see it.
    expect((await system.caller().request('GET', location.split('?')[0] ?? '')).status).toBe(404);
  });

  it('INV-12: a command that staff stopped after 202: its operation is unknown, and says who and why', async () => {
    const { id } = await ann.finalized();
    const { client, namespace } = system.temporal;
    const told = await whileLocked(id, async () => {
      const accepted = await ann.step(id, 'cancel', { body: { reason: 'late' }, once: true });
      expect(accepted.status).toBe(202);
      await staffOf(client, namespace, ann.tenantId, id).update('abandon', { actor: 'eve', reason: 'by a test' });
      return waitFor(
        'the operation',
        async () => {
          const { body: operation } = await ann.request<Operation>('GET', accepted.headers.get('Location') ?? '');
          return operation.status === 'pending' ? undefined : operation;
        },
        20_000,
      );
    });
    expect(told).toMatchObject({
      status: 'unknown',
      invoice: null,
      problem: {
        code: 'attempt_stopped',
        status: 409,
        detail: expect.stringContaining('eve stopped the attempt: by a test.'),
      },
    });
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({ status: 'finalized' });
  });

  it('INV-12: a caller who waits while staff stop the attempt reads who and why, and it is not repeated for him', async () => {
    const { id } = await ann.finalized();
    const patient = await startSystem({ REQUEST_DEADLINE_MS: '25000' }, { worker: false });
    const { client, namespace } = system.temporal;
    const staff = staffOf(client, namespace, ann.tenantId, id);
    const answer = await whileLocked(id, async () => {
      const asked = patient.caller(ann.tenantId).step(id, 'cancel', { body: { reason: 'late' } });
      await waitFor('the stop', async () => {
        const said = await staff.update('abandon', { actor: 'eve', reason: 'Not to be cancelled.' }).catch(String);
        return said === 'The attempt is being stopped.';
      });
      return asked;
    });
    await patient.stop();
    expect(answer).toMatchObject({
      status: 409,
      body: {
        code: 'attempt_stopped',
        detail:
          'eve stopped the attempt: Not to be cancelled. Whether it was carried out is not known. Read the invoice, and send the command again with its key if it is still wanted.',
      },
    });
    const items = await waitFor('the history', async () => {
      const { body: history } = await ann.request<{ items: object[] }>('GET', `/v1/invoices/${id}/history`);
      return history.items.length === 3 && history.items;
    });
    expect(items.at(-1)).toMatchObject({ version: 2, action: 'abandon', actor: 'eve', status: 'finalized' });
    expect(items.at(-1)).toMatchObject({ reason: 'Not to be cancelled.' });
    expect((await ann.request('GET', `/v1/invoices/${id}`)).body).toMatchObject({ status: 'finalized', version: 2 });
    expect((await ann.step(id, 'cancel')).status).toBe(200);
  });

  it('a refusal that comes late is told by Location as the request would have got it', async () => {
    const { id } = await ann.draft();
    const accepted = await whileLocked(id, () => ann.pay(id, {}, { once: true }));
    expect(accepted.status).toBe(202);
    const done = await waitFor('the operation', async () => {
      const { body: operation } = await ann.request<Operation>('GET', accepted.headers.get('Location') ?? '');
      return operation.status === 'pending' ? undefined : operation;
    });
    expect(done).toMatchObject({
      status: 'refused',
      invoice: null,
      problem: { code: 'transition_not_allowed', status: 409 },
    });
  });
});
