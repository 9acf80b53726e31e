/** API, worker and consumer in one process: for one machine. */
import { startApi, startConsumer, startWorker } from './parts.ts';
import { runProcess } from './process.ts';

await runProcess('billing', async (parts) => {
  await startWorker(parts);
  await startConsumer(parts);
  await startApi(parts);
});
