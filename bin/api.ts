import { startApi } from './parts.ts';
import { runProcess } from './process.ts';

await runProcess('api', async (parts) => {
  await startApi(parts);
});
