/**
 * `npm run bench`: servers and a service of its own, then bench/bench.ts. Not part of the tests.
 *
 * --plan JSON     lifecycles by concurrency
 * --bulk N        a billing run of so many invoices instead (bench/bulk.ts)
 * --out FILE      where the result is written; .data/bench.json when absent
 * --compare FILE  an earlier result, to which this one is compared
 * --profile DIR   leaves a CPU profile of each thread of the service in the folder
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build, bundleWorkflows } from './build.mjs';
import { installPackages } from './stack/install.mjs';
import { READY_LIMIT_MS, freePort, run, waitUntil } from './stack/processes.mjs';
import { SetupError, fail, say, step } from './stack/progress.mjs';
import { nodeFlags, projectFolder } from './stack/settings.mjs';
import { startStack } from './stack/stack.mjs';

const PLAN = '{ "1": 150, "16": 600, "64": 600 }';
const threadId = path.join(projectFolder, 'scripts/bench/thread-id.cjs');

const data = path.join(projectFolder, '.data');
mkdirSync(data, { recursive: true });
const dataFolder = mkdtempSync(path.join(data, 'bench-'));
chmodSync(dataFolder, 0o755); // Postgres may run as another user
let stack;
let service;
// What runs is told, and then everything is stopped in order.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
try {
  const { plan, bulk, out, compare, profile } = readOptions();
  await installPackages();
  const dist = path.join(dataFolder, 'dist');
  const floorBundle = path.join(dist, 'floor-bundle.js');
  await step('Building the service', '5 s', () => build(dist));
  await bundleWorkflows(floorBundle, 'bench/floor-workflow.ts');
  stack = await startStack({
    dataFolder,
    postgresPort: await freePort(),
    postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
    temporalPort: await freePort(),
    webUiPort: await freePort(),
    kafkaPort: await freePort(),
  });
  const port = await freePort();
  const env = { ...process.env, ...stack.environment, AUTH: 'demo', PORT: String(port), LOG_LEVEL: 'warn' };
  const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const measured = [...nodeFlags, '--require', threadId];
  const log = openSync(path.join(dataFolder, 'logs', 'service.log'), 'a');
  const threadsFolder = path.join(dataFolder, 'threads');
  mkdirSync(threadsFolder);
  service = spawn(process.execPath, [...measured, ...profiling, path.join(dist, 'bin/all.js')], {
    env: { ...env, THREADS_FOLDER: threadsFolder },
    stdio: ['ignore', log, log],
  });
  await waitUntil('The service', READY_LIMIT_MS, async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok);
  const task = {
    plan,
    bulk,
    processes: { ...stack.pids, service: service.pid },
    threadsFolder,
    resultFile: out,
    compareWith: compare,
  };
  await run(process.execPath, [...measured, path.join(dist, bulk ? 'bench/bulk.js' : 'bench/bench.js')], {
    env: { ...env, FLOOR_BUNDLE: floorBundle, BENCH_TASK: JSON.stringify(task) },
  });
  if (!bulk) say(`The result is in ${out}`);
} catch (error) {
  fail(error);
} finally {
  await ended(service);
  await stack?.stop();
  if (!process.exitCode) rmSync(dataFolder, { recursive: true, force: true });
}

function readOptions() {
  const folder = process.env.INIT_CWD ?? process.cwd();
  const file = { type: 'string' };
  try {
    const { values } = parseArgs({ options: { plan: file, bulk: file, out: file, compare: file, profile: file } });
    const inFolder = (name) => (values[name] === undefined ? undefined : path.resolve(folder, values[name]));
    return {
      plan: values.bulk === undefined ? JSON.parse(values.plan ?? PLAN) : {},
      bulk: values.bulk === undefined ? undefined : Number(values.bulk),
      out: inFolder('out') ?? path.join(data, 'bench.json'),
      compare: inFolder('compare'),
      profile: inFolder('profile'),
    };
  } catch (error) {
    throw new SetupError(
      `${error.message}. Expected: --plan JSON, --bulk N, --out FILE, --compare FILE, --profile FOLDER.`,
    );
  }
}

/** A profile is written while its process ends. */
async function ended(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
