/**
 * `npm run bench`: servers and a service of its own, then bench/bench.ts. Not part of the tests.
 *
 * --plan JSON     lifecycles by concurrency
 * --bulk N        a billing run of so many invoices instead (bench/bulk.ts)
 * --store N       how long single operations take on a store of 1,000 invoices and on one of N instead (bench/operations.ts)
 * --out FILE      where the result is written; .data/bench.json when absent
 * --compare FILE  an earlier result, to which this one is compared
 * --profile DIR   leaves a CPU profile of each thread of the service in the folder
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build, bundleWorkflows } from './build.mjs';
import { installPackages } from './stack/install.mjs';
import { ensureDatabase } from './stack/postgres.mjs';
import { READY_LIMIT_MS, freePort, run, waitUntil } from './stack/processes.mjs';
import { SetupError, fail, say, step } from './stack/progress.mjs';
import { nodeFlags, projectFolder } from './stack/settings.mjs';
import { startStack } from './stack/stack.mjs';

const PLAN = '{ "1": 150, "16": 600, "64": 600 }';
/** The benchmark is one tenant at one address. */
const noLimits = Object.fromEntries(
  ['ADDRESS_REQUESTS_PER_SECOND', 'TENANT_REQUESTS_PER_SECOND', 'TENANT_COMMANDS_AT_ONCE'].map((name) => [
    name,
    '1000000',
  ]),
);
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
  const { plan, bulk, store, out, compare, profile } = readOptions();
  await installPackages();
  const dist = path.join(dataFolder, 'dist');
  const floorBundle = path.join(dist, 'floor-bundle.js');
  await step('Building the service', '5 s', () => build(dist));
  await bundleWorkflows(floorBundle, { source: 'bench/floor-workflow.ts' });
  stack = await startStack({
    dataFolder,
    postgresPort: await freePort(),
    postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
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
    ...noLimits,
  };
  const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const measured = [...nodeFlags, '--require', threadId];
  const log = openSync(path.join(dataFolder, 'logs', 'service.log'), 'a');
  const threadsFolder = path.join(dataFolder, 'threads');
  mkdirSync(threadsFolder);
  const startService = async (more = {}) => {
    service = spawn(process.execPath, [...measured, ...profiling, path.join(dist, 'bin/all.js')], {
      env: { ...env, ...more, THREADS_FOLDER: threadsFolder },
      stdio: ['ignore', log, log],
    });
    await waitUntil(
      'The service',
      READY_LIMIT_MS,
      async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok,
    );
  };
  if (store) await measureStores({ store, env, dist, startService });
  else {
    await startService();
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
  }
} catch (error) {
  fail(error);
} finally {
  await ended(service);
  await stack?.stop();
  if (!process.exitCode) rmSync(dataFolder, { recursive: true, force: true });
}

/** In turns, twice: the machine is not the same from minute to minute. The better of two figures counts. */
async function measureStores({ store, env, dist, startService }) {
  const names = { small: 1_000, big: store };
  const urls = {};
  for (const [name, invoices] of Object.entries(names)) {
    urls[name] = new URL(env.DATABASE_URL);
    urls[name].pathname = `/${name}`;
    const own = { ...env, DATABASE_URL: urls[name].href };
    await ensureDatabase(own.DATABASE_URL);
    const { migrate } = await import('./migrate.mjs');
    await migrate(own.DATABASE_URL);
    await step(`A store of ${invoices} invoices`, '8 min a million', () =>
      run(process.execPath, [path.join(dist, 'bench/fill.js'), String(invoices)], { env: own }),
    );
  }
  const best = { small: {}, big: {} };
  for (const name of ['small', 'big', 'small', 'big']) {
    const own = { DATABASE_URL: urls[name].href };
    await startService(own);
    const { stdout } = await step(`Operations on the ${name} store`, '1 min', () =>
      promisify(execFile)(process.execPath, [path.join(dist, 'bench/operations.js')], {
        env: { ...env, ...own },
      }),
    );
    await ended(service);
    for (const [operation, { p50, p99 }] of Object.entries(JSON.parse(stdout.trim().split('\n').at(-1)))) {
      const before = best[name][operation] ?? { p50: Infinity, p99: Infinity };
      best[name][operation] = { p50: Math.min(before.p50, p50), p99: Math.min(before.p99, p99) };
    }
  }
  const cell = (value) => value.toFixed(1).padStart(9);
  const lines = Object.entries(best.big).map(([operation, big]) => {
    const small = best.small[operation];
    const figures = [small.p50, big.p50, small.p99, big.p99].map(cell).join('');
    return `${operation.padEnd(34)}${figures}    x ${(big.p99 / small.p99).toFixed(2)}`;
  });
  const head = `${'ms'.padEnd(34)}      p50   of ${store}      p99   of ${store}`;
  process.stdout.write(`${[head, ...lines].join('\n')}\n`);
}

function readOptions() {
  const folder = process.env.INIT_CWD ?? process.cwd();
  const file = { type: 'string' };
  try {
    const { values } = parseArgs({
      options: { plan: file, bulk: file, store: file, out: file, compare: file, profile: file },
    });
    const inFolder = (name) => (values[name] === undefined ? undefined : path.resolve(folder, values[name]));
    return {
      plan: values.bulk === undefined ? JSON.parse(values.plan ?? PLAN) : {},
      store: values.store === undefined ? undefined : Number(values.store),
      bulk: values.bulk === undefined ? undefined : Number(values.bulk),
      out: inFolder('out') ?? path.join(data, 'bench.json'),
      compare: inFolder('compare'),
      profile: inFolder('profile'),
    };
  } catch (error) {
    throw new SetupError(
      `${error.message}. Expected: --plan JSON, --bulk N, --store N, --out FILE, --compare FILE, --profile FOLDER.`,
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
