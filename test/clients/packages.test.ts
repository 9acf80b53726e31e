/**
 * The packages as another team gets them: packed, installed into an empty project outside of the repository, compiled
 * there by both compilers that teams use, and run against the service.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureDatabase } from '../../scripts/stack/postgres.mjs';
import { projectFolder } from '../../scripts/stack/settings.mjs';
import { atMost } from '../support/speed.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const run = promisify(execFile);
const clients = path.join(projectFolder, 'clients', 'typescript');
const tarball = (name: string) => `file:${path.join(clients, 'dist', `billing-${name}-0.1.0.tgz`)}`;
const INSTALL_LIMIT_MS = atMost(240_000);

const manifest = {
  private: true,
  type: 'module',
  dependencies: {
    '@billing/client': tarball('client'),
    '@billing/events': tarball('events'),
    kafkajs: '2.2.4',
    pg: '8.23.1',
  },
  devDependencies: { '@types/node': '20.19.9', '@types/pg': '8.23.1' },
};
const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  types: ['node'],
  strict: true,
  skipLibCheck: false,
  outDir: 'out',
};

let folder: string;
let system: System;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'billing-clients-'));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  for (const program of ['invoice.ts', 'subscriber.ts'])
    copyFileSync(path.join(clients, 'example', program), path.join(folder, program));
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  system = await startSystem();
}, INSTALL_LIMIT_MS);
afterAll(async () => {
  started?.kill('SIGKILL');
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const compilers = {
  'TypeScript 5.9': path.join(clients, 'node_modules/typescript/bin/tsc'),
  'TypeScript 7': path.join(projectFolder, 'node_modules/typescript/bin/tsc'),
};
it.each(Object.entries(compilers))('a strict project that checks its libraries compiles with %s', async (name, tsc) => {
  const { stdout } = await run(process.execPath, [tsc, '--version']);
  expect(`TypeScript ${stdout.replace('Version ', '')}`).toContain(name);
  rmSync(path.join(folder, 'out'), { recursive: true, force: true });
  await expect(run(process.execPath, [tsc, '-p', '.'], { cwd: folder })).resolves.toMatchObject({ stdout: '' });
});

it('the client drafts, finalizes and pays an invoice; run again for its order, nothing is done twice', async () => {
  const env = { ...process.env, BILLING_URL: system.url, BILLING_TENANT: randomUUID(), ORDER: randomUUID() };
  const call = () => run(process.execPath, ['out/invoice.js'], { cwd: folder, env });
  const first = await call();
  expect(first.stdout).toMatch(/^paid [0-9a-f-]{36}\nnot cancelled: paid\n$/);
  expect((await call()).stdout).toBe(first.stdout);
  const { body } = await system.caller(env.BILLING_TENANT).request<{ items: unknown[] }>('GET', '/v1/invoices');
  expect(body.items.length).toBe(1);
});

let started: ChildProcess | undefined;

interface Program {
  /** What it has printed, for a failure. */
  said: () => string;
  /** Gives its exit code. */
  stop: () => Promise<number | null>;
}

/** The subscriber of docs/subscriber.md, as a process. */
function startSubscriber(database: string): Program {
  const { KAFKA_BROKERS, PATH } = process.env;
  const settings = { BILLING_URL: system.url, BILLING_TOPICS: 'test.billing.public.invoices.v1' };
  const child = spawn(process.execPath, ['out/subscriber.js'], {
    cwd: folder,
    env: { PATH, KAFKA_BROKERS, DATABASE_URL: database, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started = child;
  let said = '';
  child.stdout.on('data', (text) => (said += String(text)));
  child.stderr.on('data', (text) => (said += String(text)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    said: () => said,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

it('the subscriber keeps what each customer owes, and counts nothing twice when it is started again', async () => {
  const url = new URL(process.env['DATABASE_URL'] ?? '');
  url.pathname = `/subscriber_${randomUUID().replaceAll('-', '')}`;
  await ensureDatabase(url.href);
  const pool = new pg.Pool({ connectionString: url.href });
  const ann = system.caller();
  let subscriber = startSubscriber(url.href);
  const owed = async () => {
    const { rows } = await pool.query<{ customer: string; amount: string }>(
      'SELECT customer, amount FROM open_amounts WHERE tenant_id = $1',
      [ann.tenantId],
    );
    return Object.fromEntries(rows.map(({ customer, amount }) => [customer, amount]));
  };
  const untilOwed = (expected: Record<string, string>) =>
    waitFor(`that customers owe ${JSON.stringify(expected)}`, async () => {
      const now = await owed();
      if (isDeepStrictEqual(now, expected)) return true;
      throw new Error(`They owe ${JSON.stringify(now)}. The subscriber said: ${subscriber.said()}`);
    });
  const of = (customerReference: string, amount: string) => ann.finalized({ customerReference, amount });
  try {
    const paid = await of('C-1', '100.00');
    await of('C-1', '20.00');
    await ann.pay(paid.id, { amount: '100.00' });
    const cancelled = await of('C-2', '5.00');
    await ann.step(cancelled.id, 'cancel', { body: { reason: 'a mistake' } });
    const draft = await ann.draft({ customerReference: 'C-2', amount: '7.00' });
    await ann.step(draft.id, 'cancel', { body: { reason: 'a mistake' } });
    await untilOwed({ 'C-1': '20.00' });
    expect(await subscriber.stop()).toBe(0);
    subscriber = startSubscriber(url.href);
    await of('C-3', '1.00');
    await untilOwed({ 'C-1': '20.00', 'C-3': '1.00' });
    expect(await subscriber.stop()).toBe(0);
  } finally {
    await pool.end();
  }
});
