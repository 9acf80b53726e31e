/** API, worker and consumer in one process: for one machine. */
import { runProcess, startApi, startWorker } from './parts.ts';

await runProcess('billing', async (parts) => {
  await startWorker(parts);
  await startApi(parts);
});
