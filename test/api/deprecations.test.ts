/** Routes that will go, made for this test, mounted as all are, on the run's Postgres. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_TENANT } from '../../access/caller.ts';
import { createApiKeys } from '../../access/api-keys.ts';
import { type DeprecatedUses, createDeprecatedUses } from '../../access/deprecated-use.ts';
import { type ApiDeps, appOf } from '../../api/app.ts';
import { withDeprecations } from '../../api/routes/deprecations.ts';
import { createLoad } from '../../commands/load.ts';
import { figuresOf } from '../../operations/metrics/figures.ts';
import { createMetrics } from '../../operations/metrics/metrics.ts';
import type { Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { addDays, dateOf } from '../../values/dates.ts';
import { testDatabase } from '../support/database.ts';
import { endingRoutes } from '../support/ending-routes.ts';
import type { Route } from '../../api/route.ts';
import { noDeps } from '../support/published.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { waitFor } from '../support/wait.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
const today = dateOf(new Date().toISOString());
const routes = endingRoutes(today);

let database: Database;
let uses: DeprecatedUses;
const servers: Server[] = [];
let url: string;
/** The same, for callers with API keys. */
let closedUrl: string;

async function listen(changes: Partial<ApiDeps> = {}, some: readonly Route[] = withDeprecations({ database }, routes)) {
  const metrics = createMetrics(figuresOf(database));
  const own = { database, deprecatedUses: uses, requestDeadlineMs: 10_000, logger, metrics, version: '0' };
  const server = createServer(appOf({ ...noDeps, ...own, ...changes }, some, createLoad()));
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  database = testDatabase({ url: await makeOwnDatabase('deprecations') });
  uses = createDeprecatedUses(database, logger, 10);
  url = await listen();
  closedUrl = await listen({ authentication: { issuers: null, apiKeys: createApiKeys(database, logger) } });
});
afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  await uses?.stop();
  await database?.$disconnect();
});

interface Asked {
  method?: string;
  tenant?: string;
  body?: string;
  type?: string;
}

async function ask(at: string, path: string, { method = 'PUT', tenant = randomUUID(), body, type }: Asked = {}) {
  const headers = {
    'X-Tenant-Id': tenant,
    ...(body === undefined ? {} : { 'Content-Type': type ?? 'application/json' }),
  };
  const answer = await fetch(`${at}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await answer.text();
  const { code } = (text === '' ? {} : JSON.parse(text)) as { code?: string };
  return { status: answer.status, code, headers: answer.headers, body: text };
}

const lastSecondOf = (day: string): string => new Date(`${day}T23:59:59Z`).toUTCString();
const told = {
  deprecation: `@${Date.parse(`${addDays(today, -10)}T00:00:00Z`) / 1_000}`,
  sunset: lastSecondOf(addDays(today, 10)),
  link: '<https://billing.example.com/changes#things>; rel="deprecation", </v2/things/7/name>; rel="successor-version"',
};
const toldBy = (headers: Headers) => ({
  deprecation: headers.get('Deprecation'),
  sunset: headers.get('Sunset'),
  link: headers.get('Link'),
});
const untold = { deprecation: null, sunset: null, link: null };

describe('API-02: every answer of an operation that will go tells it', () => {
  it.each([
    ['success', { body: '{"name": "one"}' }, 204, undefined],
    ['fields that are not valid', { body: '{}' }, 422, 'validation_failed'],
    ['no JSON', { body: '{' }, 400, 'malformed_request'],
    ['another media type', { body: '{}', type: 'text/plain' }, 415, 'unsupported_media_type'],
    ['a body that is too large', { body: JSON.stringify({ name: 'x'.repeat(100_000) }) }, 413, 'payload_too_large'],
    ['a refusal', { body: '{"name": "nothing"}' }, 404, 'operation_not_found'],
    ['a bug', { body: '{"name": "bug"}' }, 500, 'internal_error'],
    ['a tenant that is none', { body: '{"name": "one"}', tenant: 'acme' }, 400, 'invalid_tenant'],
  ])('%s', async (_what, asked, status, code) => {
    const answer = await ask(url, '/v1/things/7', asked);
    expect(answer).toMatchObject({ status, code });
    expect(toldBy(answer.headers)).toEqual(told);
  });

  it('a caller whom nobody knows', async () => {
    const answer = await ask(closedUrl, '/v1/things/7', { body: '{"name": "one"}' });
    expect(answer).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(toldBy(answer.headers)).toEqual(told);
  });

  it('no other operation of the path tells it, nor what is no operation', async () => {
    for (const [method, status] of [
      ['GET', 200],
      ['HEAD', 200],
      ['DELETE', 405],
      ['OPTIONS', 204],
    ] as const) {
      const answer = await ask(url, '/v1/things/7', { method });
      expect({ method, status: answer.status, ...toldBy(answer.headers) }).toEqual({ method, status, ...untold });
    }
  });
});

describe('API-02: after its last day an operation is gone', () => {
  it.each(['GET', 'HEAD'])('%s is 410, and says when and where', async (method) => {
    const answer = await ask(url, '/v1/things', { method });
    expect(answer.status).toBe(410);
    expect(answer.headers.get('Sunset')).toBe(lastSecondOf(addDays(today, -1)));
    if (method === 'HEAD') return;
    expect(JSON.parse(answer.body)).toEqual({
      type: '/problems/operation_gone',
      title: 'The operation has reached its end',
      status: 410,
      detail: `The last day of this operation was ${addDays(today, -1)}.`,
      instance: '/v1/things',
      code: 'operation_gone',
    });
  });

  it('the successor is a member, with what the request named', async () => {
    const over = routes.map((route) =>
      route.deprecated ? { ...route, deprecated: { ...route.deprecated, sunset: addDays(today, -1) } } : route,
    );
    const at = await listen({}, over);
    const answer = await ask(at, '/v1/things/a%20b', { body: '{"name": "one"}' });
    expect(answer).toMatchObject({ status: 410, code: 'operation_gone' });
    expect(JSON.parse(answer.body)).toMatchObject({ successor: '/v2/things/a%20b/name' });
    expect((await ask(at, '/v1/things/7', { method: 'GET' })).status).toBe(200);
  });

  it('who may not use it is told that first', async () => {
    expect(await ask(closedUrl, '/v1/things', { method: 'GET' })).toMatchObject({ status: 401 });
  });
});

describe('API-02: who still uses it is known', () => {
  interface Listed {
    operationId: string;
    users: { tenantId: string; requests: number; lastSeenAt: string }[];
  }
  const list = async (tenant: string): Promise<Listed[]> => {
    const { status, body } = await ask(url, '/v1/deprecations', { method: 'GET', tenant });
    expect(status).toBe(200);
    return (JSON.parse(body) as { items: Listed[] }).items;
  };
  const requestsOf = async (tenant: string, operation: string, by: string = NO_TENANT) =>
    (await list(by))
      .find(({ operationId }) => operationId === operation)
      ?.users.find(({ tenantId }) => tenantId === tenant)?.requests;
  const use = (tenant: string) => ask(url, '/v1/things/7', { tenant, body: '{"name": "one"}' });

  it('by tenant, in the list and in the metrics; 410 counts too', async () => {
    const [ann, bob] = [randomUUID(), randomUUID()];
    const seriesOf = async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^billing_deprecated_requests_total\{operation="renameThing"\} (\d+)/m.exec(text)?.[1] ?? 0);
    };
    const before = await seriesOf();
    for (let times = 0; times < 3; times += 1) await use(ann);
    await use(bob);
    await ask(url, '/v1/things', { method: 'GET', tenant: bob });
    await waitFor('the counts', async () => (await requestsOf(ann, 'renameThing')) === 3);
    await waitFor('the counts', async () => (await requestsOf(bob, 'listThings')) === 1);
    expect(await requestsOf(bob, 'renameThing')).toBe(1);
    expect(await seriesOf()).toBe(before + 4);
    const [first, second, ...others] = await list(NO_TENANT);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ operationId: 'listThings', method: 'GET', path: '/v1/things', successor: null });
    expect(second).toMatchObject({
      operationId: 'renameThing',
      method: 'PUT',
      path: '/v1/things/{id}',
      since: addDays(today, -10),
      sunset: addDays(today, 10),
      successor: '/v2/things/{id}/name',
      link: 'https://billing.example.com/changes#things',
    });
    const seen = second?.users.map(({ lastSeenAt }) => lastSeenAt) ?? [];
    expect(seen).toEqual(seen.toSorted().toReversed());
  });

  it('TEN-02: a tenant sees its own use alone', async () => {
    const [ann, bob] = [randomUUID(), randomUUID()];
    await use(ann);
    await use(bob);
    await waitFor('the counts', async () => (await requestsOf(ann, 'renameThing', ann)) === 1);
    await waitFor('the counts', async () => (await requestsOf(bob, 'renameThing', bob)) === 1);
    for (const { users } of await list(ann)) for (const { tenantId } of users) expect(tenantId).toBe(ann);
  });

  it('what two processes have counted is added up, day by day, of the last thirty days', async () => {
    const tenant = randomUUID();
    const row = { operation: 'renameThing', tenantId: tenant, lastSeenAt: new Date() };
    await database.deprecatedUse.createMany({
      data: [
        { ...row, day: new Date(addDays(today, -29)), requests: 10n },
        { ...row, day: new Date(addDays(today, -30)), requests: 100n },
      ],
    });
    const others = [createDeprecatedUses(database, logger), createDeprecatedUses(database, logger)];
    for (const process of others) process.note(tenant, 'renameThing');
    await Promise.all(others.map((process) => process.stop()));
    expect(await requestsOf(tenant, 'renameThing')).toBe(12);
  });
});

it('API-02: a database that is away fails no request of it', async () => {
  const away = testDatabase({ url: 'postgresql://nobody@127.0.0.1:9/nothing' });
  const broken = createDeprecatedUses(away, logger, 1);
  const at = await listen({ database: away, deprecatedUses: broken }, routes);
  for (let times = 0; times < 20; times += 1)
    expect((await ask(at, '/v1/things/7', { body: '{"name": "one"}' })).status).toBe(204);
  await broken.stop();
  await away.$disconnect();
});
