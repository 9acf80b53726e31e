import { runProcess, startWorker } from './parts.ts';

await runProcess('worker', startWorker);
