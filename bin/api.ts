import { runProcess, startApi } from './parts.ts';

await runProcess('api', async (parts) => {
  await startApi(parts);
});
