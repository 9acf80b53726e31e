/** The service as processes of its own, as a deployment runs them: to be killed, paused and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../scripts/stack/processes.mjs';
import { noLimits } from './no-limits.ts';
import { waitFor } from './wait.ts';

const { TEST_DATA = '', TEST_DIST = '' } = process.env;
const STOP_LIMIT_MS = 30_000;

export type Part = 'api' | 'worker' | 'consumer';

export interface Service {
  url: string;
  /** SIGKILL to the worker, and a new one at once. */
  replaceWorker: () => Promise<void>;
  /** Ends a part and starts it again, with more settings if there are any. */
  replace: (part: Part, signal: 'SIGKILL' | 'SIGTERM', more?: Record<string, string>) => Promise<void>;
  /** Stops a part where it is; resolves with how it goes on. */
  pause: (part: Part) => () => void;
  /** Waits until a part stands still by itself, at a fault point; resolves with how it goes on. */
  untilFrozen: (part: Part) => Promise<() => void>;
  /** Starts a part again that has ended by itself. */
  revive: (part: Part) => void;
  /** A second worker beside the first; resolves with how to end it. */
  addWorker: () => () => Promise<void>;
  stop: () => Promise<void>;
}

function start(part: string, env: Record<string, string>): ChildProcess {
  const log = openSync(path.join(TEST_DATA, 'logs', `${part}.log`), 'a');
  return spawn(process.execPath, ['--max-semi-space-size=64', path.join(TEST_DIST, 'bin', `${part}.js`)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  });
}

/** As Linux writes it, behind the command's name in brackets. */
const STOPPED = 'T';
const stateOf = ({ pid }: ChildProcess): string | undefined =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.charAt(0);

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await waitFor(`the end of ${child.pid}`, async () => ended(child), STOP_LIMIT_MS);
  if (signal === 'SIGTERM' && child.exitCode !== 0)
    throw new Error(`A process did not end in order: ${child.signalCode ?? child.exitCode}.`);
}

interface ServiceOptions {
  consumer?: boolean;
  /** Of all parts, beside what the test run has set. */
  settings?: Record<string, string>;
}

/** Starts API and worker, and the consumer when it is asked for; resolves when the API is ready. */
export async function startService({ consumer = false, settings = {} }: ServiceOptions = {}): Promise<Service> {
  const env = {
    NODE_ENV: 'test',
    AUTH: 'demo',
    LOG_LEVEL: 'warn',
    PORT: String(await freePort()),
    SHUTDOWN_GRACE_MS: '2000',
    ...noLimits,
    ...settings,
  };
  const url = `http://127.0.0.1:${env.PORT}`;
  const parts = new Map<Part, ChildProcess>();
  const named: Part[] = consumer ? ['worker', 'api', 'consumer'] : ['worker', 'api'];
  for (const part of named) parts.set(part, start(part, env));
  const childOf = (part: Part): ChildProcess => {
    const child = parts.get(part);
    if (!child) throw new Error(`The service runs without ${part}.`);
    return child;
  };
  await waitFor('the service', async () => (await fetch(`${url}/health/ready`)).ok, 60_000);
  const replace: Service['replace'] = async (part, signal, more = {}) => {
    if (!ended(childOf(part))) await end(childOf(part), signal);
    parts.set(part, start(part, { ...env, ...more }));
  };
  return {
    url,
    replace,
    replaceWorker: () => replace('worker', 'SIGKILL'),
    pause: (part) => {
      const child = childOf(part);
      child.kill('SIGSTOP');
      return () => void child.kill('SIGCONT');
    },
    untilFrozen: async (part) => {
      const child = childOf(part);
      await waitFor(`the ${part} to stand still`, async () => stateOf(child) === STOPPED);
      return () => void child.kill('SIGCONT');
    },
    revive: (part) => {
      if (ended(childOf(part))) parts.set(part, start(part, env));
    },
    addWorker: () => {
      const second = start('worker', env);
      return () => end(second, 'SIGTERM');
    },
    stop: async () => {
      await Promise.all([...parts.values()].filter((child) => !ended(child)).map((child) => end(child, 'SIGTERM')));
    },
  };
}
