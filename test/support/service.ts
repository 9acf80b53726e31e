/** The service as processes of its own, as a deployment runs them: to be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../scripts/stack/processes.mjs';
import { waitFor } from './wait.ts';

const { TEST_DATA = '', TEST_DIST = '' } = process.env;

export interface Service {
  url: string;
  /** SIGKILL to the worker, and a new one at once. */
  replaceWorker: () => Promise<void>;
  stop: () => Promise<void>;
}

function start(part: string, env: Record<string, string>): ChildProcess {
  const log = openSync(path.join(TEST_DATA, 'logs', `${part}.log`), 'a');
  return spawn(process.execPath, ['--max-semi-space-size=64', path.join(TEST_DIST, 'bin', `${part}.js`)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  });
}

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await waitFor(`the end of ${child.pid}`, async () => ended(child));
}

/** Starts API and worker; resolves when the API is ready. */
export async function startService(): Promise<Service> {
  const env = {
    NODE_ENV: 'test',
    AUTH: 'demo',
    LOG_LEVEL: 'warn',
    PORT: String(await freePort()),
    SHUTDOWN_GRACE_MS: '2000',
  };
  const url = `http://127.0.0.1:${env.PORT}`;
  let worker = start('worker', env);
  const api = start('api', env);
  await waitFor('the service', async () => (await fetch(`${url}/health/ready`)).ok, 60_000);
  return {
    url,
    replaceWorker: async () => {
      await end(worker, 'SIGKILL');
      worker = start('worker', env);
    },
    stop: async () => {
      await Promise.all([end(api, 'SIGTERM'), end(worker, 'SIGTERM')]);
    },
  };
}
