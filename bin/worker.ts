import { startMetrics, startWorker } from './parts.ts';
import { runProcess } from './process.ts';

await runProcess('worker', async (parts) => {
  await startMetrics(parts);
  await startWorker(parts);
});
