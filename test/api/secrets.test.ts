/**
 * No secret is told: not in the logs at their most talkative, nor in answers, metrics or the histories of workflows.
 * What would break without it: a token in a log that many may read.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey } from '../../access/api-key-rows.ts';
import type { Database } from '../../platform/database.ts';
import { freePort } from '../../scripts/stack/processes.mjs';
import { createCaller, paymentOf } from '../support/caller.ts';
import { testDatabase } from '../support/database.ts';
import { type TestIssuer, startIssuer } from '../support/issuer.ts';
import { type Service, startService } from '../support/service.ts';

const { TEST_DATA = '' } = process.env;
const logs = path.join(TEST_DATA, 'logs');
const tenantId = randomUUID();

/** Everything that was written to the logs of the service. */
const logged = () =>
  readdirSync(logs)
    .filter((name) => /^(?:api|worker|consumer)\.log$/.test(name))
    .map((name) => readFileSync(path.join(logs, name), 'utf8'))
    .join('\n');

/** A user of Postgres whose password is no word that stands anywhere. */
const role = `secret_${randomBytes(4).toString('hex')}`;
const password = randomBytes(16).toString('hex');

let database: Database;
let issuer: TestIssuer;
let service: Service;
let metricsPort: number;
beforeAll(async () => {
  database = testDatabase();
  issuer = await startIssuer();
  await database.$executeRawUnsafe(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD '${password}'`);
  const url = new URL(String(process.env['DATABASE_URL']));
  Object.assign(url, { username: role, password });
  metricsPort = await freePort();
  service = await startService({
    settings: {
      DATABASE_URL: url.href,
      LOG_LEVEL: 'trace',
      AUTH: 'jwt,keys',
      AUTH_ISSUERS: JSON.stringify([issuer.setting]),
      METRICS_PORT: String(metricsPort),
    },
  });
});
afterAll(async () => {
  await service?.stop();
  await database.$executeRawUnsafe(`DROP ROLE ${role}`);
  await issuer?.stop();
  await database?.$disconnect();
});

it('ACC-04: tokens, keys and passwords stand in no log, answer or metric', async () => {
  const scopes = ['invoices:read', 'invoices:create', 'invoices:finalize', 'invoices:pay', 'keys:manage'] as const;
  const { key } = await makeKey(database, { tenantId, name: 'shop', scopes, expiresAt: null, createdBy: 'ann' });
  const good = await issuer.token({ claims: { tenant: tenantId, scope: scopes.join(' ') } });
  const expired = await issuer.token({ expiresIn: -60 });
  const wrong = `${key.slice(0, -4)}AAAA`;
  const secrets = [key, good, expired, wrong].map((token) => token.slice(-30));
  secrets.push(password);

  const answers: string[] = [];
  for (const token of [key, good, expired, wrong, `${good}x`]) {
    const caller = createCaller(service.url, tenantId);
    const headers = { Authorization: `Bearer ${token}` };
    const request = (method: string, where: string, more: object = {}) =>
      caller.request<{ id?: string; key?: string }>(method, where, { headers, once: true, ...more });
    const body = { name: 'Hosting', amount: '1200.00', currency: 'EUR' };
    const { body: made } = await request('POST', '/v1/invoices', { body });
    for (const [where, sent] of [
      ['finalize', {}],
      ['pay', paymentOf()],
      ['pay', { amount: token }],
    ] as const)
      answers.push(
        JSON.stringify(await request('POST', `/v1/invoices/${made.id ?? randomUUID()}/${where}`, { body: sent })),
      );
    answers.push(JSON.stringify(await request('GET', '/v1/api-keys')));
    answers.push(JSON.stringify(await request('POST', '/v1/invoices', { rawBody: `{"name": "${token}"` })));
    const fresh = await request('POST', '/v1/api-keys', { body: { name: 'other', scopes: ['invoices:read'] } });
    if (fresh.body.key) secrets.push(fresh.body.key.slice(-30));
  }
  const metrics = await Promise.all(
    [service.url, `http://127.0.0.1:${metricsPort}`].map(async (url) => (await fetch(`${url}/metrics`)).text()),
  );
  const log = logged();
  expect(log).toContain('/v1/api-keys');
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(5);
    expect(log.includes(secret)).toBe(false);
    expect([...answers, ...metrics].filter((text) => text.includes(secret))).toEqual([]);
  }
});
