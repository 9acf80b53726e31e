import { runProcess, startConsumer } from './parts.ts';

await runProcess('consumer', startConsumer);
