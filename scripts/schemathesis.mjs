/**
 * `npm run test:schemathesis`: Schemathesis asks a service what its OpenAPI document allows and forbids, and looks at
 * the answers. The service and its servers are its own, with API keys; `AUTH=demo` has it believe every caller. Needs
 * Python 3.11 or later. Not part of the tests.
 *
 * `npm run test:schemathesis -- <url>` asks the service there instead, with the API key or token in API_KEY and for the
 * tenant in TENANT_ID. It writes and deletes: never in production.
 *
 * EXAMPLES  requests for each operation, 50 when absent
 *
 * How it asks, and what it finds that is right all the same, is in scripts/schemathesis/.
 */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, chmodSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from './build.mjs';
import { installPackages } from './stack/install.mjs';
import { READY_LIMIT_MS, freePort, onPath, run, waitUntil } from './stack/processes.mjs';
import { SetupError, fail, say, step } from './stack/progress.mjs';
import { cacheFolder, projectFolder } from './stack/settings.mjs';
import { digestOf, isStamped } from './stack/stamps.mjs';
import { startStack } from './stack/stack.mjs';

const settings = path.join(projectFolder, 'scripts/schemathesis');
const requirements = path.join(settings, 'requirements.txt');
const { EXAMPLES = '50', AUTH = 'keys', API_KEY, TENANT_ID } = process.env;

const data = path.join(projectFolder, '.data');
mkdirSync(data, { recursive: true });
const dataFolder = mkdtempSync(path.join(data, 'schemathesis-'));
chmodSync(dataFolder, 0o755); // Postgres may run as another user
const dist = path.join(dataFolder, 'dist');
let stack;
let service;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (interrupted = true));

async function main() {
  const schemathesis = await installSchemathesis();
  const [given] = process.argv.slice(2);
  const asked = given ? { url: given.replace(/\/$/, ''), key: API_KEY, tenantId: TENANT_ID } : await startService();
  if (interrupted) throw new SetupError('interrupted.');
  // It reads its settings where it runs, and leaves files there.
  const cwd = path.join(dataFolder, 'schemathesis');
  cpSync(settings, cwd, { recursive: true });
  if (asked.key) appendFileSync(path.join(cwd, 'schemathesis.toml'), withKey);
  await run(
    schemathesis,
    [
      'run',
      `${asked.url}/openapi.json`,
      `--url=${asked.url}`,
      '--checks=all',
      `--max-examples=${EXAMPLES}`,
      ...(asked.tenantId ? [`--header=X-Tenant-Id: ${asked.tenantId}`] : []),
    ],
    { cwd, env: { ...process.env, API_KEY: asked.key ?? '' } },
  );
  await stillCounts(asked);
}

/** Told in this way, it knows to ask without the key too. */
const withKey = '\n[auth.openapi.bearer]\nbearer = "${API_KEY}"\n';

/** A run whose caller was locked out on the way has looked at little but 401. */
async function stillCounts({ url, key, tenantId }) {
  const headers = {
    ...(key ? { Authorization: `Bearer ${key}` } : {}),
    ...(tenantId ? { 'X-Tenant-Id': tenantId } : {}),
  };
  const { status } = await fetch(`${url}/v1/invoices?limit=1`, { headers });
  if (status !== 200) throw new SetupError(`at the end the service answered GET /v1/invoices with ${status}.`);
}

/** In an environment of its own, made once for these versions; returns the program. */
async function installSchemathesis() {
  const python = onPath('python3');
  if (!python) throw new SetupError('there is no python3 on the PATH; 3.11 or later is needed.');
  const digest = digestOf([requirements]);
  const folder = path.join(cacheFolder(), `schemathesis-${digest.slice(0, 12)}`);
  const stamp = path.join(folder, '.installed');
  if (!isStamped(stamp, digest)) {
    rmSync(folder, { recursive: true, force: true });
    await step('Schemathesis: installing it, once for this user', '20 s', async () => {
      await run(python, ['-m', 'venv', folder]);
      const pip = path.join(folder, 'bin/pip');
      await run(pip, ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    });
    writeFileSync(stamp, digest);
  }
  return path.join(folder, 'bin/schemathesis');
}

/** Servers and a service that nobody else uses; resolves with how it is asked. */
async function startService() {
  await installPackages();
  const building = step('Building the service', '5 s', () => build(dist));
  building.catch(() => {});
  const ports = {
    postgresPort: await freePort(),
    temporalPort: await freePort(),
    webUiPort: await freePort(),
    kafkaPort: await freePort(),
  };
  for (const name of ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'KAFKA_BROKERS', 'TEMPORAL_NAMESPACE'])
    delete process.env[name];
  stack = await startStack({ dataFolder, ...ports });
  await building;
  const { newEncryptionKey } = await built('platform/codec.js');
  const restPort = await freePort();
  const environment = {
    ...process.env,
    ...stack.environment,
    NODE_ENV: 'test',
    AUTH,
    LOG_LEVEL: 'warn',
    PORT: String(restPort),
    // With the codec's routes.
    ENCRYPTION_KEYS: newEncryptionKey('schemathesis'),
    ADDRESS_REQUESTS_PER_SECOND: '1000000',
    TENANT_REQUESTS_PER_SECOND: '1000000',
    TENANT_COMMANDS_AT_ONCE: '1000000',
  };
  // Of no tenant: the run revokes the keys that it finds, and shall not find this one.
  const caller = AUTH === 'demo' ? {} : { key: await makeKey(environment), tenantId: randomUUID() };
  const log = openSync(path.join(dataFolder, 'logs/service.log'), 'a');
  service = spawn(process.execPath, [path.join(dist, 'bin/all.js')], {
    env: environment,
    detached: true,
    stdio: ['ignore', log, log],
  });
  const url = `http://127.0.0.1:${restPort}`;
  await step('The service: starting', '5 s', () =>
    waitUntil('The service', READY_LIMIT_MS, async () => {
      if (service.exitCode !== null) throw new SetupError('the service ended while starting.');
      return (await fetch(`${url}/health/ready`)).ok;
    }),
  );
  return { url, ...caller };
}

const built = (file) => import(pathToFileURL(path.join(dist, file)).href);

/** A key that allows everything, of every tenant. */
async function makeKey(environment) {
  const { scopeNames } = await built('access/scopes.js');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      path.join(dist, 'bin/keys.js'),
      'make',
      '--all-tenants',
      '--name=schemathesis',
      ...scopeNames.map((scope) => `--scope=${scope}`),
    ],
    { env: environment },
  );
  return stdout.split('\n')[1];
}

async function stopService() {
  if (!service || service.exitCode !== null || service.signalCode !== null) return;
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGTERM');
  await ended;
}

try {
  await main();
} catch (error) {
  fail(error);
} finally {
  await stopService();
  await stack?.stop();
  // Kept after a failure: the logs are in it.
  if (process.exitCode) say(`Logs are in ${path.join(dataFolder, 'logs')}`);
  else rmSync(dataFolder, { recursive: true, force: true });
}
