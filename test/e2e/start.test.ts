/** `npm start` as a person runs it, on the servers of the lane. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../../scripts/stack/processes.mjs';
import { projectFolder } from '../../scripts/stack/settings.mjs';
import { processesWith } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';

const { TEST_DATA = '' } = process.env;
const READY_LIMIT_MS = 120_000;

let started: ChildProcess | undefined;
afterEach(() => void started?.kill('SIGTERM'));

/** Starts `npm start`; `said` is all that it has printed. */
async function npmStart() {
  const port = await freePort();
  let said = '';
  const npm = spawn('npm', ['start'], {
    cwd: projectFolder,
    env: { ...process.env, PORT: String(port), LOG_LEVEL: 'warn', BILLING_DATA: path.join(TEST_DATA, 'start') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started = npm;
  npm.stdout.on('data', (text) => (said += String(text)));
  npm.stderr.on('data', (text) => (said += String(text)));
  const until = (text: string) => waitFor(text, async () => said.includes(text), READY_LIMIT_MS);
  return { npm, port, until, said: () => said };
}

/** What `npm start` on this port has started and is still there: each has the port in its environment. */
const ours = (port: number) => processesWith('PORT', String(port));

it('a service that is killed is started again, and a kill of npm leaves nothing running', async () => {
  const { npm, port, until } = await npmStart();
  await until('Billing is running.');
  const service = ours(port).find(({ command }) => command.includes('bin/all.js'));
  if (!service) throw new Error('The service is not there.');
  process.kill(service.pid, 'SIGKILL');
  await until('The service is ready again');
  expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200);

  npm.kill('SIGTERM');
  await waitFor('the end of everything', async () => ours(port).length === 0);
  await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed');
});

it('whoever finds the port open is answered: nobody is told 503 because the process is cold', async () => {
  const { port } = await npmStart();
  const url = `http://127.0.0.1:${port}/v1/invoices?limit=1`;
  const first = await waitFor('the port', () => fetch(url).catch(() => undefined), READY_LIMIT_MS);
  const next = await Promise.all(Array.from({ length: 20 }, () => fetch(url)));
  expect([first, ...next].map(({ status }) => status)).toEqual(Array.from({ length: 21 }, () => 200));
});
