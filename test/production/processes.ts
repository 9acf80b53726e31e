/** The service as a deployment runs it: two processes of each part, and callers that a balancer sends to one of the APIs. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../scripts/stack/processes.mjs';
import { waitFor } from '../support/wait.ts';

const { TEST_DIST = '' } = process.env;
const READY_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 60_000;

export type Part = 'api' | 'worker' | 'consumer';
const parts: readonly Part[] = ['api', 'worker', 'consumer'];
const OF_EACH = 2;

interface Process {
  part: Part;
  url: string;
  child: ChildProcess;
  underWay: number;
  env: Record<string, string>;
}

export interface Deployment {
  /** Sends a request to one of the APIs that the balancer knows now, in turns. */
  balance: <T>(request: (url: string) => Promise<T>) => Promise<T>;
  /**
   * Restarts one process as an orchestrator does: it gets no new request, those under way are answered, then SIGTERM, and
   * a new one. Resolves when that is ready.
   */
  restart: (part: Part, index: number) => Promise<void>;
  names: { part: Part; index: number }[];
  stop: () => Promise<void>;
}

export async function deploy(folder: string, settings: Record<string, string>): Promise<Deployment> {
  const start = (part: Part, env: Record<string, string>): ChildProcess => {
    const log = openSync(path.join(folder, `${part}.log`), 'a');
    const args = ['--max-semi-space-size=64', path.join(TEST_DIST, 'bin', `${part}.js`)];
    return spawn(process.execPath, args, { env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', log, log] });
  };
  const processes = await Promise.all(
    parts.flatMap((part) =>
      Array.from({ length: OF_EACH }, async (): Promise<Process> => {
        const port = String(await freePort());
        const env = { ...settings, [part === 'api' ? 'PORT' : 'METRICS_PORT']: port };
        return { part, url: `http://127.0.0.1:${port}`, env, child: start(part, env), underWay: 0 };
      }),
    ),
  );
  const ready = ({ part, url }: Process) =>
    waitFor(
      `the ${part}`,
      async () => (await fetch(`${url}/health/${part === 'api' ? 'ready' : 'live'}`)).ok,
      READY_LIMIT_MS,
    );
  const balanced = new Set(processes.filter(({ part }) => part === 'api'));
  let turn = 0;
  await Promise.all(processes.map(ready));
  const end = async ({ child, part }: Process) => {
    child.kill('SIGTERM');
    await waitFor(
      `the end of the ${part}`,
      async () => child.exitCode !== null || child.signalCode !== null,
      STOP_LIMIT_MS,
    );
    if (child.exitCode !== 0) throw new Error(`The ${part} ended with ${child.exitCode ?? child.signalCode}.`);
  };
  return {
    balance: async (request) => {
      const chosen = [...balanced][(turn += 1) % balanced.size];
      if (!chosen) throw new Error('There is no API.');
      chosen.underWay += 1;
      try {
        return await request(chosen.url);
      } finally {
        chosen.underWay -= 1;
      }
    },
    names: parts.flatMap((part) => Array.from({ length: OF_EACH }, (_, index) => ({ part, index }))),
    restart: async (part, index) => {
      const one = processes.filter((process) => process.part === part)[index];
      if (!one) throw new Error(`There is no ${part} ${index}.`);
      balanced.delete(one);
      await waitFor('the answers', async () => one.underWay === 0);
      await end(one);
      one.child = start(part, one.env);
      await ready(one);
      if (part === 'api') balanced.add(one);
    },
    stop: async () => {
      await Promise.all(processes.map(end));
    },
  };
}

/** Without what the lane has set: these processes have servers of their own. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, TEMPORAL_ADDRESS: __, KAFKA_BROKERS: ___, ...others } = process.env;
  return others;
}

export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program of the service to its end. */
export const runProgram = (name: string, args: readonly string[], settings: Record<string, string>): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(TEST_DIST, 'bin', `${name}.js`), ...args],
      { env: { ...cleanEnvironment(), ...settings }, timeout: 120_000 },
      (error, stdout, stderr) => resolve({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
