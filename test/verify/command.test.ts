/** `npm run verify` as a process, as an operator runs it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Caller } from '../support/caller.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const { TEST_DIST = '' } = process.env;

let system: System;
let ann: Caller;
beforeAll(async () => {
  system = await startSystem();
  ann = system.caller();
});
afterAll(() => system?.stop());

const run = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [path.join(TEST_DIST, 'bin/verify.js'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'test', AUTH: 'demo', ...env },
  });

it('says what it looked at and ends with 0 when nothing is broken, with 1 and the place when something is', async () => {
  const { id } = await ann.finalized();
  const waiting = { tenantId: ann.tenantId, publishedAt: null };
  await waitFor('publishing', async () => (await system.database.outboxEvent.count({ where: waiting })) === 0);
  const args = ['--tenant', ann.tenantId, '--grace', '2'];
  const whole = run(args);
  expect(whole).toMatchObject({ status: 0 });
  expect(whole.stdout).toMatch(/^kafka +ok \(3 events, .*Nothing is broken\.$/ms);

  const where = { tenantId_id: { tenantId: ann.tenantId, id } };
  await system.database.invoice.update({ where, data: { amountMinor: 1n } });
  const broken = run(args);
  await system.database.invoice.update({ where, data: { amountMinor: 120_000n } });
  expect(broken).toMatchObject({ status: 1 });
  expect(broken.stdout).toMatch(new RegExp(`^audit +1 FOUND .*^  ${id}: .*amountMinor$.*^1 finding\\.$`, 'ms'));
});

it.each([
  ['Postgres', '127.0.0.1:1', { DATABASE_URL: 'postgresql://billing:secret@127.0.0.1:1/billing' }],
  ['Temporal', '127.0.0.1:2', { TEMPORAL_ADDRESS: '127.0.0.1:2' }],
  ['Kafka', '127.0.0.1:3', { KAFKA_BROKERS: '127.0.0.1:3' }],
])('ends with 2 and names the server when %s does not answer', (server, address, env) => {
  const away = run([], env);
  expect(away).toMatchObject({ status: 2, stdout: '' });
  expect(away.stderr).toContain(`${server} does not answer at ${address}`);
  expect(away.stderr).not.toContain('secret');
});

it('ends with 2 when its arguments are wrong', () => {
  expect(run(['--grace', 'soon'])).toMatchObject({ status: 2 });
  expect(run(['--tenant', 'ann'])).toMatchObject({ status: 2 });
});
