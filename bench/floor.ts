/**
 * The floor: a workflow with three updates that do nothing, worker and client in one process like the service. Prints a
 * JSON object: concurrency -> what it came to.
 */
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readConfig } from '../platform/config.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { STICKY_TIMEOUT_MS } from '../workflows/contract/common.ts';
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

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { plan, processes, threadsFolder } = readTask();
const config = readConfig(process.env);
const { connection, client, namespace } = await connectTemporal(config);
const taskQueue = 'floor';
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowBundle: { codePath: process.env['FLOOR_BUNDLE'] ?? '' },
  stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT_MS,
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

const own = { service: process.pid, ...(processes.temporal === undefined ? {} : { temporal: processes.temporal }) };
const floors: Record<string, Floor> = {};
await atConcurrency(16, 50, () => lifecycle([]));
for (const [concurrency, count] of Object.entries(plan)) {
  const workflowIds: string[] = [];
  const before = cpuSoFar(own, threadsFolder);
  const seconds = await atConcurrency(Number(concurrency), count, () => lifecycle(workflowIds));
  const cpuMs = cpuEach(before, cpuSoFar(own, threadsFolder), count);
  floors[concurrency] = { rate: count / seconds, cpuMs, history: await historyOf(client, workflowIds) };
}
process.stdout.write(`${JSON.stringify(floors)}\n`);
worker.shutdown();
await running;
await connection.close();
process.exit();
