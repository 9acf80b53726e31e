import { startConsumer, startMetrics } from './parts.ts';
import { runProcess } from './process.ts';

await runProcess('consumer', async (parts) => {
  await startMetrics(parts);
  await startConsumer(parts);
});
