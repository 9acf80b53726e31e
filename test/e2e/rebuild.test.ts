/**
 * The drill for the worst that can happen to Temporal: its database is gone. On a Temporal and a database of its own,
 * since the other tests' histories must stay.
 */
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dateOf } from '../../values/dates.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import { createCaller } from '../support/caller.ts';
import { manyDrafts } from '../support/drafts.ts';
import { type Gateway, outcomesIn, paymentMessage, startGateway } from '../support/gateway.ts';
import { decide } from '../support/dead-letters.ts';
import { type OwnTemporal, makeOwnDatabase, startOwnTemporal } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { slowness } from '../support/speed.ts';
import { staffOf, staffOfDeadLetter } from '../support/staff.ts';
import { type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { testConfig } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

/** Finalized before the loss, overdue after the rebuild, however slow the machine is. */
const OVERDUE_AFTER_MS = Math.round(40_000 * slowness);
/** From then on the relay of wake-ups would find a missing workflow without any rebuild. */
const FOUND_ANYWAY_AFTER_MS = 60_000;

let settings: Record<string, string>;
let ownTemporal: OwnTemporal;
let database: Database;
let temporal: Temporal;
let service: Service;
let gateway: Gateway;
let subscriber: Subscriber;
beforeAll(async () => {
  ownTemporal = await startOwnTemporal('drill');
  settings = {
    DATABASE_URL: await makeOwnDatabase('drill'),
    TEMPORAL_ADDRESS: ownTemporal.address,
    TEST_OVERDUE_AFTER_MS: String(OVERDUE_AFTER_MS),
  };
  const config = await testConfig(settings);
  database = testDatabase({ url: config.DATABASE_URL });
  service = await startService({ consumer: true, settings });
  temporal = await connectTemporal(config);
  gateway = await startGateway({ config });
  subscriber = await subscribe();
});
afterAll(async () => {
  await subscriber?.stop();
  await gateway?.stop();
  await service?.stop();
  await temporal?.connection.close();
  await database?.$disconnect();
  await ownTemporal?.stop();
});

/** As `npm run rebuild` does; returns what it printed. Rejects when its exit code is not 0. */
async function rebuild(): Promise<string> {
  const program = path.join(process.env['TEST_DIST'] ?? '', 'bin', 'rebuild.js');
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--rate', '200'], {
    env: { ...process.env, NODE_ENV: 'test', AUTH: 'demo', ...settings },
  });
  return stdout;
}

const invoiceRow = (id: string) => database.invoice.findFirstOrThrow({ where: { id } });

it('the namespace is lost: a rebuild brings every workflow back, and nothing is told twice', async () => {
  const tenantId = randomUUID();
  const today = dateOf(new Date().toISOString());
  const ann = createCaller(service.url, tenantId);
  const draft = await ann.draft();
  const [paid, toPay, toMiss] = [await ann.finalized(), await ann.finalized(), await ann.finalized()];
  await ann.pay(paid.id);
  const message = paymentMessage(tenantId, draft.id);
  await gateway.send(message);
  const deadLetter = await outcomesIn({ database }).untilStored(message);
  const unpayable = paymentMessage(tenantId, randomUUID());
  await gateway.send(unpayable);
  const { id: toDiscard } = await outcomesIn({ database }).untilStored(unpayable);
  const due = await manyDrafts(database, tenantId, 3, today);
  await database.billingRun.create({
    data: { tenantId, businessDate: new Date(today), startedAt: new Date(), workflowStartedAt: new Date() },
  });

  const batch = await database.deadLetterBatch.create({
    data: {
      id: randomUUID(),
      tenantId,
      action: 'discard',
      filter: JSON.stringify({ reason: 'invoice_not_found' }),
      operator: 'ann',
      reason: 'It is a test',
      startedAt: new Date(),
      workflowStartedAt: new Date(),
      items: { create: [{ deadLetterId: toDiscard }] },
    },
  });
  // The relay of wake-ups has just turned to them: it is the rebuild that brings them back.
  await database.deadLetter.updateMany({ where: { resolvedAt: null }, data: { workflowStartedAt: new Date() } });

  // The worker too would soon start those whose turn it is.
  service.pause('worker');
  await ownTemporal.lose();
  const first = await rebuild();
  // The run's other tests have left payments on Kafka that are dead letters in this database.
  expect(first).toMatch(/^dead letters +[1-9]\d* started, 0 ran already, 0 failed$/m);
  expect(first).toMatch(/^batches of dead letters +1 started, 0 ran already, 0 failed$/m);
  expect(first).toMatch(/^billing runs +1 started, 0 ran already, 0 failed$/m);
  expect(first).toMatch(/^invoices +2 started, 0 ran already, 0 failed$/m);
  expect((await invoiceRow(toMiss.id)).overdueAt?.getTime()).toBeGreaterThan(Date.now());
  // As an operator would; the API goes on as it is.
  await service.replace('worker', 'SIGKILL');
  await service.replace('consumer', 'SIGTERM');

  expect((await ann.pay(toPay.id)).body).toMatchObject({ status: 'paid', version: 3 });
  const page = await waitFor('the dead letter’s page', () =>
    staffOfDeadLetter(temporal.client, temporal.namespace, deadLetter.id).details(),
  );
  expect(page).toContain('transition');
  expect((await ann.step(draft.id, 'finalize')).status).toBe(200);
  expect((await decide(ann, deadLetter.id, 'replay')).body.resolution).toBe('replayed');
  expect((await invoiceRow(draft.id)).status).toBe('paid');
  await waitFor('the end of the batch', async () => {
    const { endedAt } = await database.deadLetterBatch.findUniqueOrThrow({ where: { id: batch.id } });
    return endedAt;
  });
  expect(await database.deadLetter.findUnique({ where: { id: toDiscard } })).toMatchObject({
    resolution: 'discarded',
    resolvedBy: 'ann',
  });
  await waitFor('the end of the billing run', async () => {
    const rows = await database.invoice.findMany({ where: { id: { in: due } } });
    return rows.every(({ status }) => status === 'finalized');
  });

  const isTold = ({ type, key }: { type: string; key: string }) =>
    type === 'billing.invoice.overdue.v1' && key.endsWith(toMiss.id);
  await waitFor('InvoiceOverdue', async () => subscriber.of(tenantId).find(isTold), 90_000);
  const { overdueAt, overdueToldAt } = await invoiceRow(toMiss.id);
  expect(overdueToldAt!.getTime() - overdueAt!.getTime()).toBeLessThan(FOUND_ANYWAY_AFTER_MS);
  const staff = staffOf(temporal.client, temporal.namespace, tenantId, toMiss.id);
  await waitFor('the attribute', async () => (await staff.searchAttributes())['Overdue']);
  const ended = temporal.client.workflow.getHandle(invoiceWorkflowId(tenantId, paid.id));
  await expect(ended.describe()).rejects.toThrow(WorkflowNotFoundError);

  const second = await rebuild();
  expect(second).toMatch(/^batches of dead letters +0 started, 0 ran already, 0 failed$/m);
  expect(second).toMatch(/^invoices +0 started, [1-9]\d* ran already, 0 failed$/m);
  expect((await ann.pay(toMiss.id)).body).toMatchObject({ status: 'paid', overdue: false });
  await waitFor(
    'publishing',
    async () => (await database.outboxEvent.count({ where: { publishedAt: null } })) === 0,
    60_000,
  );
  const published = await database.outboxEvent.count({ where: { tenantId } });
  // The gateway's own message is one more, without a sequence.
  const read = await subscriber.waitForEvents(tenantId, published + 1);
  const events = read.filter(({ sequence }) => sequence > 0);
  expect(events.length).toBe(published);
  expect(events.filter(isTold).length).toBe(1);
  for (const [stream, sequences] of sequencesByStream(events))
    expect(sequences, stream).toEqual(sequences.map((_, index) => index + 1));
  const firstOf = new Map(read.map((event) => [event.id, event]));
  for (const { id, value, headers } of subscriber.of(tenantId))
    expect(firstOf.get(id)).toMatchObject({ value, headers });
});
