/** Invoices on a Temporal server that skips time: the real workflow, the real activities, the run's Postgres. */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { randomUUID } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import { createLimiter } from '../../commands/limiter.ts';
import { type OutgoingCommand, type SendResult, sendCommand } from '../../invoices/send.ts';
import type { Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { connectTemporal, indexedType, prepareNamespace } from '../../platform/temporal.ts';
import { testActivities } from './activities.ts';
import { testDatabase } from './database.ts';
import { atMost } from './speed.ts';
import './quiet.ts';
import { type Staff, staffOf } from './staff.ts';
import { testConfig } from './system.ts';
import { waitFor } from './wait.ts';

const taskQueue = 'time';
const logger = createLogger({ level: 'silent', name: 'test' });

export interface SkippedTime {
  env: TestWorkflowEnvironment;
  database: Database;
  tenantId: string;
  /** The instant to which time was skipped, RFC 3339. */
  now: () => Promise<string>;
  send: (invoiceId: string, changes: Partial<OutgoingCommand>) => Promise<SendResult>;
  /** Drafts an invoice of 1200.00 EUR and returns its id. */
  draft: (body?: object) => Promise<string>;
  staff: (invoiceId: string) => Staff;
  stop: () => Promise<void>;
}

export interface SkipTimeOptions {
  /** Replaces activities. */
  change?: (real: Activities) => Partial<Activities>;
  /** 0: every task replays, as it does on a worker that has just started. */
  maxCachedWorkflows?: number;
  /**
   * The run's own Temporal, where time passes as it does: the server that skips it does not do all that this one does.
   */
  onRealServer?: boolean;
}

export async function skipTime({
  change,
  maxCachedWorkflows = 100,
  onRealServer = false,
}: SkipTimeOptions = {}): Promise<SkippedTime> {
  const { WORKFLOW_BUNDLE = '' } = process.env;
  const tenantId = randomUUID();
  const database = testDatabase();
  const env = onRealServer ? await realServer() : await serverThatSkips();
  const real = testActivities(database);
  const worker = await Worker.create({
    connection: env.nativeConnection,
    namespace: env.namespace ?? 'default',
    taskQueue,
    activities: { ...real, ...change?.(real) },
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
    maxCachedWorkflows,
  });
  const running = worker.run();
  const now = async () => new Date(await env.currentTimeMs()).toISOString();
  const send: SkippedTime['send'] = async (invoiceId, changes) => {
    const command = {
      tenantId,
      invoiceId,
      actor: 'ann',
      key: `rest:${randomUUID()}`,
      fingerprint: 'f',
      acceptedAt: await now(),
      expectedVersion: null,
      step: 'finalize',
      body: {},
      ...changes,
    } as OutgoingCommand;
    return sendCommand(
      { client: env.client, taskQueue, limiter: createLimiter(), logger },
      command,
      Date.now() + atMost(30_000),
    );
  };
  return {
    env,
    database,
    tenantId,
    now,
    send,
    draft: async (body = {}) => {
      const invoiceId = randomUUID();
      const shortest = { name: 'Hosting', amountMinor: 120_000, currency: 'EUR' };
      const nothing = { customerReference: null, dueDate: null, cashierId: null };
      const result = await send(invoiceId, { step: 'create', body: { ...shortest, ...nothing, ...body } });
      if (result.kind !== 'answered') throw new Error(`The draft was not created: ${JSON.stringify(result)}`);
      return invoiceId;
    },
    staff: (invoiceId) => staffOf(env.client, env.namespace ?? 'default', tenantId, invoiceId),
    stop: async () => {
      worker.shutdown();
      await running;
      await env.teardown();
      await database.$disconnect();
    },
  };
}

async function serverThatSkips(): Promise<TestWorkflowEnvironment> {
  const { TEST_TIME_SKIPPING_SERVER = '' } = process.env;
  // The SDK gives a server five seconds to start, which a busy machine does not always keep.
  const env = await waitFor(
    'the time-skipping server',
    () =>
      TestWorkflowEnvironment.createTimeSkipping({
        server: { executable: { type: 'existing-path', path: TEST_TIME_SKIPPING_SERVER } },
      }),
    60_000,
  );
  // This server cannot list attributes, so platform/temporal.ts cannot ask which are missing.
  await env.nativeConnection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      Object.values(searchAttributes).map(({ name, type }) => [name, indexedType[type]]),
    ),
  });
  return env;
}

async function realServer(): Promise<TestWorkflowEnvironment> {
  const config = await testConfig();
  const temporal = await connectTemporal(config);
  await prepareNamespace(temporal, Object.values(searchAttributes));
  await temporal.connection.close();
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = config;
  return TestWorkflowEnvironment.createFromExistingServer({ address, namespace });
}
