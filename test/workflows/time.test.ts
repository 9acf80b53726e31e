/** What depends on time, with skipped time: a draft that nobody touches, and a command that infrastructure holds up. */
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Activities, createActivities } from '../../activities/index.ts';
import { createGate } from '../../commands/gate.ts';
import { type OutgoingCommand, sendCommand } from '../../commands/send.ts';
import type { EventSink } from '../../events/event-sink.ts';
import { createNudge } from '../../events/nudge.ts';
import { type Database, createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { indexedType } from '../../platform/temporal.ts';
import { invoiceWorkflowId, searchAttributes } from '../../workflows/contract.ts';
import '../support/quiet.ts';
import { staffOf } from '../support/staff.ts';
import { waitFor } from '../support/wait.ts';

const taskQueue = 'time';
const tenantId = randomUUID();
const logger = createLogger({ level: 'silent', name: 'test' });
const noSink: EventSink = { send: async () => undefined, prepare: async () => undefined, close: async () => undefined };

let env: TestWorkflowEnvironment;
let database: Database;
let worker: Worker;
let running: Promise<void>;
/** While set, the step that finalizes cannot reach its database. */
let away = false;

beforeAll(async () => {
  const { DATABASE_URL = '', TEST_TIME_SKIPPING_SERVER = '', WORKFLOW_BUNDLE = '' } = process.env;
  database = createDatabase({ url: DATABASE_URL, poolMax: 5, applicationName: 'test' });
  env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: TEST_TIME_SKIPPING_SERVER } },
  });
  // This server cannot list attributes, so platform/temporal.ts cannot ask which are missing.
  await env.nativeConnection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      Object.values(searchAttributes).map(({ name, type }) => [name, indexedType[type]]),
    ),
  });
  const wire = { environment: 'test', publicUrl: 'http://localhost:3000' };
  const real = createActivities({
    database,
    logger,
    wire,
    sink: noSink,
    nudge: createNudge(),
    stopping: new AbortController().signal,
  });
  const activities: Activities = {
    ...real,
    finalizeInvoice: async (command) => {
      if (away) throw ApplicationFailure.retryable('the database is away', 'infrastructure');
      return real.finalizeInvoice(command);
    },
  };
  worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    activities,
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
  });
  running = worker.run();
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await env?.teardown();
  await database?.$disconnect();
});

const send = (invoiceId: string, changes: Partial<OutgoingCommand>) => {
  const own = {
    tenantId,
    invoiceId,
    actor: 'ann',
    key: `rest:${randomUUID()}`,
    fingerprint: 'f',
    acceptedAt: new Date().toISOString(),
    expectedVersion: null,
  };
  const command = { ...own, step: 'finalize', body: {}, ...changes } as OutgoingCommand;
  return sendCommand({ client: env.client, taskQueue, gate: createGate(), logger }, command, Date.now() + 30_000);
};
const draft = async () => {
  const invoiceId = randomUUID();
  const body = {
    name: 'Hosting',
    amountMinor: 120_000,
    currency: 'EUR',
    customerReference: null,
    dueDate: null,
    cashierId: null,
  };
  expect(await send(invoiceId, { step: 'create', body })).toMatchObject({ kind: 'answered' });
  return invoiceId;
};
const staff = (invoiceId: string) => staffOf(env.client, 'default', tenantId, invoiceId);

describe('time', () => {
  it('a draft that nobody touches for a day leaves Temporal, and comes back with the next command', async () => {
    const invoiceId = await draft();
    const handle = env.client.workflow.getHandle(invoiceWorkflowId(tenantId, invoiceId));
    await env.sleep('12 hours');
    expect(await send(invoiceId, { step: 'update', body: { name: 'Other' } })).toMatchObject({ kind: 'answered' });
    await env.sleep('13 hours');
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect(await handle.result()).toEqual({ ended: 'idle' });
    expect(await send(invoiceId, {})).toMatchObject({ kind: 'answered', invoice: { status: 'finalized' } });
  });

  it('a command held up for ten minutes shows as Stuck, goes on when the cause is mended, and is no longer Stuck', async () => {
    const invoiceId = await draft();
    away = true;
    const sent = send(invoiceId, {});
    await waitFor('the regular activity', async () => (await staff(invoiceId).details()).includes('finalize'));
    await env.sleep('11 minutes');
    await waitFor('Stuck', async () => (await staff(invoiceId).details()).includes('STUCK'));
    expect((await staff(invoiceId).searchAttributes())['Stuck']).toEqual([true]);
    away = false;
    await env.sleep('1 minute');
    expect(await sent).toMatchObject({ kind: 'answered', invoice: { status: 'finalized' } });
    // This server keeps an attribute that was taken back as [null].
    expect([undefined, [null]]).toContainEqual((await staff(invoiceId).searchAttributes())['Stuck']);
    expect(await staff(invoiceId).details()).not.toContain('STUCK');
  });

  it('staff abandon a stuck command; its outcome is unknown, and the next command works', async () => {
    const invoiceId = await draft();
    away = true;
    const stuck = staff(invoiceId)
      .update('finalize', { actor: 'ann', body: {} })
      .catch((error: unknown) => error);
    await waitFor('the regular activity', async () => (await staff(invoiceId).details()).includes('finalize'));
    await env.sleep('11 minutes');
    expect(await staff(invoiceId).update('abandon', { actor: 'eve', reason: 'migrating the database' })).toBe(
      'The attempt is being stopped.',
    );
    expect(await stuck).toBeInstanceOf(WorkflowUpdateFailedError);
    away = false;
    expect(await send(invoiceId, {})).toMatchObject({ kind: 'answered', invoice: { status: 'finalized', version: 2 } });
  });
});
