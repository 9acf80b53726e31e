/**
 * Measures the floor, worker and client in one process like the service: prints a JSON object concurrency ->
 * lifecycles/s.
 */
import { STICKY_TIMEOUT_MS } from '../workflows/contract/common.ts';
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readConfig } from '../platform/config.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { atConcurrency } from './percentiles.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const plan = JSON.parse(process.argv[2] ?? '{}') as Record<string, number>;
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

async function lifecycle(): Promise<void> {
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
}

const rates: Record<string, number> = {};
await atConcurrency(16, 50, lifecycle);
for (const [concurrency, count] of Object.entries(plan)) {
  rates[concurrency] = count / (await atConcurrency(Number(concurrency), count, lifecycle));
}
process.stdout.write(`${JSON.stringify(rates)}\n`);
worker.shutdown();
await running;
await connection.close();
process.exit();
