/** Overdue on the running service: in REST, in the Web UI and on Kafka, also when the workflow is missing. */
import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testActivities } from '../support/activities.ts';
import { manyDrafts } from '../support/drafts.ts';
import { staffOf } from '../support/staff.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let subscriber: Subscriber;
beforeAll(async () => {
  system = await startSystem({ TEST_OVERDUE_AFTER_MS: '1000' });
  subscriber = await subscribe();
});
afterAll(async () => {
  await subscriber?.stop();
  await system?.stop();
});

const untilOnKafka = (tenantId: string) =>
  waitFor(
    'InvoiceOverdue',
    async () => subscriber.firstOf(tenantId).find(({ type }) => type === 'billing.invoice.overdue.v1'),
    60_000,
  );

it('TIM-01: a second after it was finalized, everybody sees that it is overdue', async () => {
  const ann = system.caller();
  const { id, overdue } = await ann.finalized();
  expect(overdue).toBe(false);
  expect(await untilOnKafka(ann.tenantId)).toMatchObject({ sequence: 3, data: { invoice: { id, overdue: true } } });
  const { body } = await ann.request<WireInvoice>('GET', `/v1/invoices/${id}`);
  expect(body).toMatchObject({ overdue: true, status: 'finalized', version: 2 });
  const staff = staffOf(system.temporal.client, system.temporal.namespace, ann.tenantId, id);
  expect((await staff.searchAttributes())['Overdue']).toEqual([true]);
  expect(await staff.details()).toContain('finalized, overdue');
  expect((await ann.pay(id)).body).toMatchObject({ status: 'paid', overdue: false });
});

it('TIM-04: an invoice whose workflow is missing when its timer should ring gets one, and is told to be overdue', async () => {
  const tenantId = randomUUID();
  const [invoiceId = ''] = await manyDrafts(system.database, tenantId, 1, null);
  await testActivities(system.database, { overdueAfterMs: 0 }).finalizeInvoice({
    tenantId,
    invoiceId,
    key: randomUUID(),
    fingerprint: 'test',
    attemptId: randomUUID(),
    acceptedAt: new Date(Date.now() - 120_000).toISOString(),
    actor: 'ann',
    expectedVersion: null,
    body: {},
  });
  expect(await untilOnKafka(tenantId)).toMatchObject({ data: { invoice: { id: invoiceId, overdue: true } } });
  expect(await system.database.invoice.findFirst({ where: { id: invoiceId } })).toMatchObject({ remindersSent: 0 });
});
