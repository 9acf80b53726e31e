import { runProcess, startMetrics, startWorker } from './parts.ts';

await runProcess('worker', async (parts) => {
  await startMetrics(parts);
  await startWorker(parts);
});
