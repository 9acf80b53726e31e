/** Terminated and reset at every event of a whole life: money, events, numbers and audit stay as they are. */
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { atConcurrency } from '../../bench/percentiles.ts';
import type { Caller } from '../support/caller.ts';
import { atMost } from '../support/speed.ts';
import { type Staff, staffOf } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

const LIVES_AT_ONCE = 4;
/** As gRPC numbers it. */
const INVALID_ARGUMENT = 3;
/** A task that was under way in a run that was ended is given up after five seconds. */
const LIMIT_MS = 240_000;

let system: System;
let ann: Caller;
beforeAll(async () => {
  system = await startSystem();
  ann = system.caller();
});
afterAll(() => system?.stop());

const staff = (id: string): Staff => staffOf(system.temporal.client, system.temporal.namespace, ann.tenantId, id);
const handle = (id: string) => system.temporal.client.workflow.getHandle(invoiceWorkflowId(ann.tenantId, id));

/** Create, update, finalize, a payment that is refused, one that is taken. `meanwhile` is told the id first. */
async function life(meanwhile: (id: string) => Promise<void>): Promise<string> {
  const { id } = await ann.draft();
  const done = meanwhile(id);
  const update = await ann.request('PATCH', `/v1/invoices/${id}`, { body: { name: 'Hosting, December' } });
  const finalize = await ann.step(id, 'finalize');
  const refused = await ann.pay(id, { amount: '1.00' });
  const pay = await ann.pay(id);
  expect([update.status, finalize.status, refused.status, pay.status]).toEqual([200, 200, 422, 200]);
  await staff(id).waitForStatus('COMPLETED');
  await done;
  return id;
}

/** Everything that is recorded of an invoice, without what differs from one to the other. */
async function recorded(id: string) {
  const { database } = system;
  const mine = { tenantId: ann.tenantId };
  const invoice = await database.invoice.findFirstOrThrow({ where: { ...mine, id }, include: { payments: true } });
  const audit = await database.auditEntry.findMany({ where: { ...mine, entityId: id }, orderBy: { sequence: 'asc' } });
  const events = await database.outboxEvent.findMany({
    where: { ...mine, partitionKey: `${ann.tenantId}|${id}` },
    orderBy: [{ topic: 'asc' }, { sequence: 'asc' }],
  });
  return {
    invoice: { status: invoice.status, version: invoice.version, name: invoice.name },
    payments: invoice.payments.map(({ amountMinor }) => amountMinor),
    audit: audit.map(({ action, status, actor }) => [action, status, actor]),
    events: events.map(({ type, sequence }) => [type, sequence]),
  };
}

const nothingElse = async () => undefined;

it(
  'a reset to any event of a life that is over changes nothing; the server refuses those that end no task',
  async () => {
    const id = await life(nothingElse);
    const before = await recorded(id);
    const { runId, historyLength } = await handle(id).describe();
    let resets = 0;
    for (let event = 1; event <= historyLength; event += 1) {
      const isReset = await resetTo(id, runId, event);
      if (!isReset) continue;
      resets += 1;
      await staff(id).waitForStatus('COMPLETED');
      expect(await recorded(id), `event ${event}`).toEqual(before);
    }
    // One for each of the five commands.
    expect(resets).toBeGreaterThanOrEqual(5);
    await untilSound(system, [ann.tenantId]);
  },
  atMost(LIMIT_MS),
);

async function resetTo(id: string, runId: string, event: number): Promise<boolean> {
  try {
    await system.temporal.client.workflowService.resetWorkflowExecution({
      namespace: system.temporal.namespace,
      workflowExecution: { workflowId: invoiceWorkflowId(ann.tenantId, id), runId },
      reason: 'by a test',
      requestId: crypto.randomUUID(),
      workflowTaskFinishEventId: event as never,
    });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === INVALID_ARGUMENT) return false;
    throw error;
  }
}

it.each([
  ['terminated', (id: string) => staff(id).terminate()],
  ['reset to its beginning', (id: string) => staff(id).resetToBeginning()],
])(
  '%s as soon as a life has so many events, for each number of them: its callers get the true answers',
  async (_what, disturb) => {
    const undisturbed = await life(nothingElse);
    const expected = await recorded(undisturbed);
    const { historyLength } = await handle(undisturbed).describe();
    await atConcurrency(LIVES_AT_ONCE, historyLength, async (events) => {
      const id = await life(async (one) => {
        await waitFor(`${events} events`, async () => (await handle(one).describe()).historyLength >= events);
        // It may be over by now, or have no task that it could be reset to.
        await disturb(one).catch(() => undefined);
      });
      expect(await recorded(id), `at ${events} events`).toEqual(expected);
    });
    await untilSound(system, [ann.tenantId]);
  },
  atMost(LIMIT_MS),
);
