/** `npm start`: everything from a fresh clone to a running service. Ctrl-C stops what this started, in order. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { installPackages } from './stack/install.mjs';
import { READY_LIMIT_MS, isAlive, portAnswers, run, waitUntil } from './stack/processes.mjs';
import { SetupError, fail, say, step } from './stack/progress.mjs';
import { loadEnvFile, nodeFlags, projectFolder, startSettings } from './stack/settings.mjs';
import { startStack } from './stack/stack.mjs';

/** Before a service that has ended by itself is started again; longer each time it does not become ready. */
const RESTART_FIRST_MS = 1_000;
const RESTART_MAX_MS = 30_000;

const interruption = new AbortController();
let interrupted = false;
let stopService;
let stack;

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    say('Stopping ...');
    stopService?.();
    interruption.abort();
  });
}
const waitUnlessInterrupted = (ms) => setTimeout(ms, undefined, { signal: interruption.signal }).catch(() => {});
const goOn = () => {
  if (interrupted) throw new SetupError('interrupted.');
};

async function main() {
  loadEnvFile();
  const settings = startSettings();
  const release = claim(settings.dataFolder);
  try {
    if (await portAnswers(settings.restPort)) {
      throw new SetupError(
        `port ${settings.restPort} is taken, and the REST API needs it. Choose another: PORT=<port> npm start.`,
      );
    }
    await installPackages();
    goOn();
    const building = step('Building the service', '5 s', () =>
      run(process.execPath, [path.join(projectFolder, 'scripts/build.mjs')], { cwd: projectFolder }),
    );
    building.catch(() => {}); // reported below, after the servers have started or failed
    stack = await startStack({
      ...settings,
      goOn,
      ...(isEncrypted() ? { codecEndpoint: `${baseOf(settings)}/v1/codec` } : {}),
    });
    await building;
    goOn();
    await keepServiceRunning(settings);
  } finally {
    await stack?.stop();
    release();
  }
}

/** One start per data folder; a lock whose process is gone is taken over. */
function claim(dataFolder) {
  mkdirSync(dataFolder, { recursive: true });
  const lock = path.join(dataFolder, 'start.pid');
  if (existsSync(lock)) {
    const pid = Number(readFileSync(lock, 'utf8'));
    if (pid && pid !== process.pid && isAlive(pid))
      throw new SetupError(`Billing already runs from ${dataFolder} (pid ${pid}).`);
  }
  writeFileSync(lock, String(process.pid));
  return () => rmSync(lock, { force: true });
}

/**
 * Runs the service until it is told to stop. One that ends by itself is started again, beside the servers that run;
 * only one that was never ready ends everything, because its settings are wrong.
 */
async function keepServiceRunning(settings) {
  let wasReady = false;
  for (let pauseMs = RESTART_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, RESTART_MAX_MS)) {
    const code = await runService(settings, () => {
      pauseMs = RESTART_FIRST_MS;
      if (wasReady) say('The service is ready again');
      else printSummary(settings);
      wasReady = true;
    });
    if (interrupted) return;
    if (!wasReady) throw new SetupError('the service ended; its last lines are above.');
    say(`The service has ended with ${code}, its last lines are above; it is started again in ${pauseMs / 1000} s`);
    await waitUnlessInterrupted(pauseMs);
    if (interrupted) return;
  }
}

/** Runs the service once, and tells when it is ready; resolves with its exit code, or the signal that ended it. */
function runService(settings, onReady) {
  const env = {
    AUTH: 'demo',
    ...(isEncrypted() ? { CODEC_ORIGINS: originsOf(settings) } : {}),
    ...process.env,
    ...stack.environment,
    PORT: String(settings.restPort),
  };
  // A process group of its own: Ctrl-C reaches only this script, which then stops things in order.
  const service = spawn(process.execPath, [...nodeFlags, path.join(projectFolder, 'dist/bin/all.js')], {
    env,
    cwd: projectFolder,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  stopService = () => service.kill('SIGTERM');
  if (interrupted) stopService();
  let code;
  const ended = new Promise((resolve) => {
    service.once('exit', (status, signal) => resolve((code = signal ?? status)));
  });
  waitUntil('The service', READY_LIMIT_MS, async () => {
    if (code !== undefined || interrupted) throw new SetupError('The service ended while starting.');
    return (await fetch(`${baseOf(settings)}/health/ready`, { signal: AbortSignal.timeout(2_000) })).ok;
  })
    .then(onReady)
    .catch((error) => say(error.message));
  return ended;
}

const baseOf = ({ restPort }) => `http://127.0.0.1:${restPort}`;
const isEncrypted = () => Boolean(process.env.ENCRYPTION_KEYS || process.env.ENCRYPTION_KEYS_FILE);
/** Of the Web UI, as a browser names it. */
const originsOf = ({ webUiPort }) => ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${webUiPort}`).join(',');

function printSummary(settings) {
  const base = baseOf(settings);
  const { DATABASE_URL, TEMPORAL_ADDRESS, KAFKA_BROKERS } = stack.environment;
  const webUi = stack.webUi ?? '(the one of your Temporal)';
  process.stdout.write(`
Billing is running.

  REST API       ${base}  (to read: ${base}/docs)
  Web UI         ${webUi}
  Temporal       ${TEMPORAL_ADDRESS}, namespace ${process.env.TEMPORAL_NAMESPACE || 'billing'}
  Kafka          ${KAFKA_BROKERS}${stack.kafkaRunning ? '' : '  (none runs; events wait in the outbox)'}
  Postgres       ${DATABASE_URL.replace(/:\/\/([^:]+):[^@]+@/, '://$1:***@')}
  Data           ${settings.dataFolder}  (logs below logs/)

Try it:

  curl -s -X POST ${base}/v1/invoices -H 'Content-Type: application/json' -H 'Idempotency-Key: first' -d '{"name": "Hosting, November", "amount": "1200.00", "currency": "EUR"}'
  curl -s -X POST ${base}/v1/invoices/$(curl -s '${base}/v1/invoices?limit=1' | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')/finalize
  curl -s '${base}/v1/invoices?limit=5'

Ctrl-C stops it; the data stays.

`);
}

main()
  .catch((error) => {
    if (!interrupted) fail(error);
  })
  .finally(() => {
    if (interrupted) say('Stopped.');
  });
