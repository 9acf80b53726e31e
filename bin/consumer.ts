import { runProcess, startConsumer, startMetrics } from './parts.ts';

await runProcess('consumer', async (parts) => {
  await startMetrics(parts);
  await startConsumer(parts);
});
