/** What waits without a reason is found: on a database of its own, where no relay works. */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { finalizeChunk } from '../../billing-runs/run.ts';
import { dateOf } from '../../values/dates.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { type Temporal, connectTemporal, prepareNamespace } from '../../platform/temporal.ts';
import { type Check, type World, createTally } from '../../operations/verify/check.ts';
import { invoices } from '../../operations/verify/invoices.ts';
import { streams } from '../../operations/verify/streams.ts';
import { workflows } from '../../operations/verify/workflows.ts';
import { testWire } from '../support/activities.ts';
import { manyDrafts } from '../support/drafts.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { testConfig } from '../support/system.ts';

const TWO_HOURS_MS = 2 * 60 * 60_000;

let database: Database;
let temporal: Temporal;
beforeAll(async () => {
  temporal = await connectTemporal(await testConfig());
  await prepareNamespace(temporal, Object.values(searchAttributes));
  database = testDatabase({ url: await makeOwnDatabase('standstill') });
});
afterAll(async () => {
  await temporal?.connection.close();
  await database?.$disconnect();
});

async function foundBy(check: Check, tenantId: string): Promise<string[]> {
  const tally = createTally();
  const world = { database, temporal: temporal.client, environment: 'test', shards: 1, tenants: [tenantId] };
  await check.run(world as unknown as World, tally);
  return tally.outcome().findings.map(({ id, problem }) => `${id} ${problem}`);
}

it('an event that nobody sends, and a stream that is blocked without a dead letter', async () => {
  const tenantId = randomUUID();
  const [id] = await manyDrafts(database, tenantId, 1, null);
  expect(await foundBy(streams, tenantId)).toEqual([]);
  await database.outboxEvent.updateMany({ data: { recordedAt: new Date(Date.now() - TWO_HOURS_MS) } });
  const stream = (scope: string) => `test.billing.${scope}.invoices.v1|${tenantId}|${id}`;
  expect(await foundBy(streams, tenantId)).toEqual([
    expect.stringMatching(/^test\.billing\.internal.* waits since .*is its relay working\?$/),
    expect.stringMatching(/^test\.billing\.public.* waits since .*is its relay working\?$/),
  ]);
  await database.stream.updateMany({ where: { stream: stream('public') }, data: { blockedBy: randomUUID() } });
  await database.outboxEvent.updateMany({ data: { recordedAt: new Date() } });
  expect(await foundBy(streams, tenantId)).toEqual([
    `${stream('public')} is blocked, but no open dead letter says why`,
  ]);
});

it('an invoice that has a timer, and no workflow', async () => {
  const tenantId = randomUUID();
  const businessDate = dateOf(new Date().toISOString());
  const [id = ''] = await manyDrafts(database, tenantId, 1, businessDate);
  const deps = { database, wire: testWire, notify: () => undefined, overdueAfterMs: undefined };
  await finalizeChunk(deps, { tenantId, businessDate }, 10);
  await database.workflowWakeup.deleteMany();
  expect(await foundBy(workflows, tenantId)).toContainEqual(
    expect.stringContaining(`${invoiceWorkflowId(tenantId, id)} is not open, but its invoice has a timer at`),
  );
});

it('a timer that should have fired long ago', async () => {
  const tenantId = randomUUID();
  const businessDate = dateOf(new Date().toISOString());
  const [id] = await manyDrafts(database, tenantId, 1, businessDate);
  const deps = { database, wire: testWire, notify: () => undefined, overdueAfterMs: -TWO_HOURS_MS };
  await finalizeChunk(deps, { tenantId, businessDate }, 10);
  expect(await foundBy(invoices, tenantId)).toEqual([
    expect.stringMatching(new RegExp(`^${id} its timer of .* was not carried out$`)),
  ]);
});
