/** `npm run bench`: servers and a service of its own, then bench/bench.ts. Not part of the tests. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build, bundleWorkflows } from './build.mjs';
import { installPackages } from './stack/install.mjs';
import { READY_LIMIT_MS, freePort, run, waitUntil } from './stack/processes.mjs';
import { fail, step } from './stack/progress.mjs';
import { nodeFlags, projectFolder } from './stack/settings.mjs';
import { startStack } from './stack/stack.mjs';

const data = path.join(projectFolder, '.data');
mkdirSync(data, { recursive: true });
const dataFolder = mkdtempSync(path.join(data, 'bench-'));
chmodSync(dataFolder, 0o755); // Postgres may run as another user
let stack;
let service;
// What runs is told, and then everything is stopped in order.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
try {
  await installPackages();
  const dist = path.join(dataFolder, 'dist');
  const floorBundle = path.join(dist, 'floor-bundle.js');
  await step('Building the service', '5 s', () => build(dist));
  await bundleWorkflows(floorBundle, 'bench/floor-workflow.ts');
  stack = await startStack({
    dataFolder,
    postgresPort: await freePort(),
    temporalPort: await freePort(),
    webUiPort: await freePort(),
    kafkaPort: await freePort(),
  });
  const port = await freePort();
  const env = {
    ...process.env,
    ...stack.environment,
    AUTH: 'demo',
    PORT: String(port),
    LOG_LEVEL: 'warn',
    FLOOR_BUNDLE: floorBundle,
  };
  const log = openSync(path.join(dataFolder, 'logs', 'service.log'), 'a');
  service = spawn(process.execPath, [...nodeFlags, path.join(dist, 'bin/all.js')], {
    env,
    stdio: ['ignore', log, log],
  });
  await waitUntil('The service', READY_LIMIT_MS, async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok);
  await run(process.execPath, [...nodeFlags, path.join(dist, 'bench/bench.js'), ...process.argv.slice(2)], { env });
} catch (error) {
  fail(error);
} finally {
  service?.kill('SIGTERM');
  await stack?.stop();
  if (!process.exitCode) rmSync(dataFolder, { recursive: true, force: true });
}
