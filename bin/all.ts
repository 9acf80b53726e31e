/** API, worker and consumer in one process: for one machine. */
import { runProcess, startApi, startConsumer, startWorker } from './parts.ts';

await runProcess('billing', async (parts) => {
  await startWorker(parts);
  await startConsumer(parts);
  await startApi(parts);
});
