/**
 * The floor: a workflow with three updates that do nothing, and one that is started by a signal; worker and client in
 * one process like the service. Prints a JSON object.
 */
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readConfig } from '../platform/config.ts';
import { connectTemporal, polling } from '../platform/temporal.ts';
import { STICKY_TIMEOUT_MS, searchAttributes } from '../workflows/contract/common.ts';
import { type Cpu, cpuEach, cpuSoFar } from './account.ts';
import { type History, historyOf } from './history.ts';
import { atConcurrency } from './percentiles.ts';
import { readTask } from './task.ts';

export interface Floor {
  /** Lifecycles a second. */
  rate: number;
  /** Milliseconds a lifecycle. */
  cpuMs: Cpu;
  history: History;
}

export interface Floors {
  /** By concurrency. */
  runs: Record<string, Floor>;
  /** Workflows a second that a signal starts, with the attributes of an invoice and one timer. */
  wakeups?: { rate: number; cpuMs: Cpu };
}

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { plan, bulk = 0, processes, threadsFolder } = readTask();
const config = readConfig(process.env);
const { connection, client, namespace } = await connectTemporal(config);
const taskQueue = 'floor';
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowBundle: { codePath: process.env['FLOOR_BUNDLE'] ?? '' },
  stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT_MS,
  ...polling,
});
const running = worker.run();

async function lifecycle(workflowIds: string[]): Promise<void> {
  const workflowId = `floor/${randomUUID()}`;
  for (const step of ['create', 'finalize', 'pay']) {
    const handle = await client.workflow.startUpdateWithStart(step, {
      args: [{ actor: 'bench', body: { name: 'Hosting, November', amountMinor: 120_000, currency: 'EUR' } }],
      updateId: randomUUID(),
      waitForStage: 'ACCEPTED',
      startWorkflowOperation: new WithStartWorkflowOperation('floor', {
        workflowId,
        taskQueue,
        args: [],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      }),
    });
    await handle.result();
  }
  workflowIds.push(workflowId);
}

const LIMIT_MS = 30 * 60_000;
const SENDERS = 8;
const LAST = 50;
/** Of a workflow that was started, signalled and has set its timer. */
const EVENTS_OF_WOKEN = 6;

async function measureWakeups(count: number): Promise<NonNullable<Floors['wakeups']>> {
  const typedSearchAttributes = [
    { key: searchAttributes.billingTenant, value: randomUUID() },
    { key: searchAttributes.invoiceStatus, value: 'finalized' },
    { key: searchAttributes.invoiceNumber, value: 'INV-2026-000001' },
    { key: searchAttributes.currency, value: 'EUR' },
    { key: searchAttributes.openAmountMinor, value: 120_000 },
    { key: searchAttributes.dueAt, value: new Date() },
  ];
  const wake = async (n: number) => {
    await client.workflow.signalWithStart('floorWoken', {
      workflowId: `floor/woken/${n}`,
      taskQueue,
      args: [],
      signal: 'wake',
      signalArgs: [],
      typedSearchAttributes,
    });
  };
  const before = cpuSoFar(own, threadsFolder);
  const from = performance.now();
  await atConcurrency(SENDERS, count, wake);
  for (let n = Math.max(1, count - LAST); n <= count; n += 1) {
    const handle = client.workflow.getHandle(`floor/woken/${n}`);
    while ((await handle.describe()).historyLength < EVENTS_OF_WOKEN)
      if (performance.now() > from + LIMIT_MS) throw new Error('The floor takes too long.');
  }
  const rate = count / ((performance.now() - from) / 1000);
  return { rate, cpuMs: cpuEach(before, cpuSoFar(own, threadsFolder), count) };
}

const own = { service: process.pid, ...(processes.temporal === undefined ? {} : { temporal: processes.temporal }) };
const floors: Floors = { runs: {} };
await atConcurrency(16, 50, () => lifecycle([]));
for (const [concurrency, count] of Object.entries(plan)) {
  const workflowIds: string[] = [];
  const before = cpuSoFar(own, threadsFolder);
  const seconds = await atConcurrency(Number(concurrency), count, () => lifecycle(workflowIds));
  const cpuMs = cpuEach(before, cpuSoFar(own, threadsFolder), count);
  floors.runs[concurrency] = { rate: count / seconds, cpuMs, history: await historyOf(client, workflowIds) };
}
if (bulk > 0) floors.wakeups = await measureWakeups(bulk);
process.stdout.write(`${JSON.stringify(floors)}\n`);
worker.shutdown();
await running;
await connection.close();
process.exit();
