/** `npm run keys` as a process, as who runs the service types it. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const { TEST_DIST = '' } = process.env;
const tenantId = randomUUID();

let system: System;
beforeAll(async () => {
  system = await startSystem({ AUTH: 'keys' }, { worker: false });
});
afterAll(() => system?.stop());

interface Run {
  status: number;
  stdout: string;
  stderr: string;
}
/** Beside the service, which runs in this process and must go on. */
const run = (args: string[], env: Record<string, string> = {}): Promise<Run> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join(TEST_DIST, 'bin/keys.js'), ...args],
      { env: { ...process.env, NODE_ENV: 'test', AUTH: 'keys', ...env } },
      (error, stdout, stderr) => resolve({ status: Number(error?.code ?? 0), stdout, stderr }),
    );
  });

const ofTenant = ['--tenant', tenantId];
const keyIn = (text: string): string => /^bk_\S+$/m.exec(text)?.[0] ?? '';
const statusWith = async (key: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${system.url}/v1/invoices`, { headers: { ...headers, Authorization: `Bearer ${key}` } });
  return answer.status;
};

it('ACC-04: makes a first key without any other, lists it without its secret, rotates and revokes it', async () => {
  const made = await run(['make', ...ofTenant, '--name', 'web shop', '--scope', 'invoices:read', '--actor', 'eve']);
  expect(made).toMatchObject({ status: 0, stderr: '' });
  const key = keyIn(made.stdout);
  expect(await statusWith(key)).toBe(200);

  const listed = (await run(['list', ...ofTenant])).stdout;
  expect(listed).toMatch(/^\S{36} \| web shop \| invoices:read \| made \S+ by eve \|/);
  expect(listed).not.toContain(key.slice(-43));
  const id = listed.slice(0, 36);

  const rotated = await run(['rotate', id, ...ofTenant, '--grace', '0']);
  const fresh = keyIn(rotated.stdout);
  await waitFor('the end of the old key', async () => (await statusWith(key)) === 401);
  expect(await statusWith(fresh)).toBe(200);

  expect(await run(['revoke', rotated.stdout.slice(0, 36), ...ofTenant])).toMatchObject({ status: 0 });
  await waitFor('the end of the new key', async () => (await statusWith(fresh)) === 401);
  const all = (await run(['list', ...ofTenant])).stdout.trim();
  expect(all.split('\n')).toHaveLength(2);
});

it('a key of all tenants names one with each request', async () => {
  const made = await run(['make', '--all-tenants', '--name', 'operator', '--scope', 'invoices:read']);
  const key = keyIn(made.stdout);
  expect(await statusWith(key)).toBe(400);
  expect(await statusWith(key, { 'X-Tenant-Id': tenantId })).toBe(200);
});

it.each([
  ['whose key it is', ['make', '--name', 'shop', '--scope', 'invoices:read'], '--tenant'],
  ['a scope', ['make', ...ofTenant, '--name', 'shop'], '--scope'],
  ['a scope that there is', ['make', ...ofTenant, '--name', 'shop', '--scope', 'invoices:eat'], 'invoices:pay'],
  ['a name', ['make', ...ofTenant, '--name', '', '--scope', 'invoices:read'], 'name'],
  ['a key that there is', ['revoke', randomUUID(), ...ofTenant], 'There is no key'],
  ['a key of this tenant', ['rotate', randomUUID(), '--all-tenants'], 'of all tenants'],
  ['an action', [], 'Usage'],
])('ends with 2 and says what is missing: %s', async (_what, args, said) => {
  const { status, stderr } = await run(args);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(said) });
});

it('ends with 2 and names the server when Postgres does not answer', async () => {
  const { status, stderr } = await run(['list', ...ofTenant], {
    DATABASE_URL: 'postgresql://billing@127.0.0.1:1/billing',
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^Postgres does not answer: /);
});
