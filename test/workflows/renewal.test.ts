/**
 * A run that has carried out many commands goes on in a new one, and no answer is lost between them. It takes three
 * minutes, because the server is slow with so many updates in one run: `npm run test:renewal`, not part of `npm test`.
 */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import { atConcurrency } from '../../bench/percentiles.ts';
import { createLimiter } from '../../commands/limiter.ts';
import { type OutgoingCommand, sendCommand } from '../../invoices/send.ts';
import type { Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { type Temporal, connectTemporal, prepareNamespace } from '../../platform/temporal.ts';
import { testActivities } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import '../support/quiet.ts';
import { testConfig } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const taskQueue = 'renewal';
const tenantId = randomUUID();
const invoiceId = randomUUID();
const logger = createLogger({ level: 'silent', name: 'test' });

let database: Database;
let temporal: Temporal;
let worker: Worker;
let running: Promise<void>;

describe.runIf(process.env['TEST_RENEWAL'])('renewal', () => {
  beforeAll(async () => {
    const config = await testConfig();
    database = testDatabase();
    temporal = await connectTemporal(config);
    await prepareNamespace(temporal, Object.values(searchAttributes));
    const real = testActivities(database);
    let answer: WireInvoice | undefined;
    const activities: Activities = {
      ...real,
      // The real create; the many updates answer as a replay does, so that the test is about the workflow alone.
      createInvoice: async (command) => {
        const outcome = await real.createInvoice(command);
        answer = outcome.invoice;
        return outcome;
      },
      updateInvoice: async ({ actor, acceptedAt }) => {
        if (!answer) throw new TypeError('There is no invoice yet.');
        const entry = { version: 2, action: 'update', at: acceptedAt, actor, status: 'draft', reason: null } as const;
        return { invoice: answer, done: { entry, openAmountMinor: 1, timers: [] } };
      },
    };
    const codePath = config.WORKFLOW_BUNDLE ?? '';
    worker = await Worker.create({
      connection: temporal.connection,
      namespace: temporal.namespace,
      taskQueue,
      activities,
      workflowBundle: { codePath },
    });
    running = worker.run();
  });
  afterAll(async () => {
    worker?.shutdown();
    await running;
    await temporal?.connection.close();
    await database?.$disconnect();
  });

  it('after 1,500 commands the workflow continues as new, and every caller is answered', async () => {
    const limiter = createLimiter();
    const send = (changes: Partial<OutgoingCommand>) => {
      const command = {
        tenantId,
        invoiceId,
        actor: 'ann',
        key: `rest:${randomUUID()}`,
        fingerprint: 'f',
        acceptedAt: new Date().toISOString(),
        expectedVersion: null,
        ...changes,
      };
      return sendCommand(
        { client: temporal.client, taskQueue, limiter, logger },
        command as OutgoingCommand,
        Date.now() + 30_000,
      );
    };
    const body = {
      name: 'Hosting',
      amountMinor: 120_000,
      currency: 'EUR',
      customerReference: null,
      dueDate: null,
      cashierId: null,
    };
    expect(await send({ step: 'create', body })).toMatchObject({ kind: 'answered' });
    const workflow = temporal.client.workflow.getHandle(invoiceWorkflowId(tenantId, invoiceId));
    const { runId } = await workflow.describe();

    const kinds = new Set<string>();
    await atConcurrency(4, 1_520, async (n) => {
      kinds.add((await send({ step: 'update', body: { name: `Name ${n}` } })).kind);
    });
    expect([...kinds]).toEqual(['answered']);
    const renewed = await waitFor('the new run', async () => {
      const now = await workflow.describe();
      return now.runId !== runId && now;
    });
    expect(renewed.status.name).toBe('RUNNING');
  });
});
