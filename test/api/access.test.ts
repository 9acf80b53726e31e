/**
 * Who may do what: every route against every kind of caller. The routes come from the OpenAPI document, so a new one is
 * tested as soon as it is there.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, revokeKey } from '../../access/api-key-rows.ts';
import { NO_TENANT } from '../../access/caller.ts';
import { type Scope, scopeNames } from '../../access/scopes.ts';
import { type TestIssuer, startIssuer } from '../support/issuer.ts';
import { assertPublished } from '../support/published.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

interface Operation {
  method: string;
  path: string;
  scope: Scope;
}

const tenantId = randomUUID();
const everyScope = scopeNames.filter((scope) => scope !== 'tenants:all');

let issuer: TestIssuer;
let other: TestIssuer;
let system: System;
let second: System;
let operations: Operation[];
let settings: Record<string, string>;
beforeAll(async () => {
  issuer = await startIssuer();
  other = await startIssuer();
  settings = {
    NODE_ENV: 'production',
    AUTH: 'jwt,keys',
    AUTH_ISSUERS: JSON.stringify([issuer.setting, { ...other.setting, tenantClaim: 'org', scopeClaim: 'scp' }]),
  };
  system = await startSystem(settings, { worker: false });
  second = await startSystem({ ...settings, AUTH: 'keys', AUTH_ISSUERS: '' }, { worker: false });
  const { paths } = (await (await fetch(`${system.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { security?: { bearer: [Scope] }[] }>>;
  };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security }]) => {
      const scope = security?.[0]?.bearer[0];
      return scope ? [{ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, randomUUID()), scope }] : [];
    }),
  );
});
afterAll(async () => {
  await Promise.all([system?.stop(), second?.stop()]);
  await Promise.all([issuer?.stop(), other?.stop()]);
});

interface Answer {
  status: number;
  headers: Headers;
  code: string | undefined;
  body: Record<string, unknown>;
}

/** With a body that no command takes: whoever is let through is refused by what comes after. */
async function ask(
  { method, path }: Pick<Operation, 'method' | 'path'>,
  token: string | undefined,
  {
    headers = {},
    body = {},
    url = system.url,
  }: { headers?: Record<string, string>; body?: unknown; url?: string } = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(method === 'GET' ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answered = (text === '' ? null : JSON.parse(text)) as { code?: string } | null;
  assertPublished(method, path, response.status, response.headers.get('Content-Type'), response.headers, answered);
  return { status: response.status, headers: response.headers, code: answered?.code, body: answered ?? {} };
}

const tokenOf = (scopes: readonly string[], claims: Record<string, unknown> = {}) =>
  issuer.token({ claims: { tenant: tenantId, scope: scopes.join(' '), ...claims } });
const lists = { method: 'GET', path: '/v1/invoices?limit=1' };

describe('ACC-01: who calls is told by a bearer token that counts', () => {
  it('every route below /v1 needs one', async () => {
    expect(operations.length).toBeGreaterThan(25);
    for (const operation of operations) {
      const { status, code, headers } = await ask(operation, undefined);
      expect({ ...operation, status, code }).toEqual({ ...operation, status: 401, code: 'unauthenticated' });
      expect(headers.get('WWW-Authenticate')).toBe('Bearer');
    }
  });

  it.each([
    ['expired', () => issuer.token({ expiresIn: -60 }), 'expired'],
    ['of an issuer that is not listed', () => issuer.token({ issuer: 'https://elsewhere.example' }), 'issuer'],
    ['of one issuer, signed by the other', () => other.token({ issuer: String(issuer.setting['issuer']) }), 'key'],
    [
      'of one issuer, and names the keys of the other',
      () => other.token({ issuer: String(issuer.setting['issuer']), jku: String(other.setting['jwksUri']) }),
      'key',
    ],
    ['for another audience', () => issuer.token({ audience: 'shop' }), 'aud'],
    ['of another type', () => issuer.token({ typ: 'JWT' }), 'typ'],
    ['without a subject', () => issuer.token({ claims: { sub: null } }), 'sub'],
    ['with a tenant that is no UUID', () => issuer.token({ claims: { tenant: 'acme' } }), 'tenant'],
    ['signed by nobody', async () => issuer.unsigned(), 'sign'],
    ['signed with the public key', () => issuer.signedWithPublicKey(), 'algorithm'],
    ['cut short', async () => (await tokenOf(everyScope)).slice(0, -4), 'signature'],
    ['no token at all', async () => 'x', 'read'],
    ['an API key that nobody has', async () => `bk_${randomUUID()}_${'A'.repeat(43)}`, 'key'],
    ['an API key that is cut short', async () => `bk_${randomUUID()}_A`, 'key'],
  ])('a token is refused at every route when it is %s', async (_how, make, because) => {
    const token = await make();
    for (const operation of operations) {
      const { status, code, headers, body } = await ask(operation, token);
      expect({ ...operation, status, code }).toEqual({ ...operation, status: 401, code: 'invalid_token' });
      expect(headers.get('WWW-Authenticate')).toMatch(/^Bearer error="invalid_token", error_description="[^"\\]+"$/);
      expect(String(body['detail'])).toContain(because);
      expect(JSON.stringify(body)).not.toContain(token.slice(-20));
    }
  });

  it('another scheme is no token, and a token counts whatever letters its scheme has', async () => {
    const token = await tokenOf(everyScope);
    const withHeader = (value: string) => ask(lists, undefined, { headers: { Authorization: value } });
    expect(await withHeader('Basic YW5uOmFubg==')).toMatchObject({ code: 'unauthenticated' });
    expect(await withHeader(`bearer ${token}`)).toMatchObject({ status: 200 });
  });

  it('an issuer names its own claims', async () => {
    const token = await other.token({ claims: { org: tenantId, scp: ['invoices:read', 7, 'mail'] } });
    expect(await ask(lists, token)).toMatchObject({ status: 200 });
  });
});

describe('ACC-02: a route is for those who have its scope', () => {
  it('each scope opens its own routes and no other', async () => {
    for (const scope of everyScope) {
      const token = await tokenOf([scope]);
      for (const operation of operations) {
        const { status, body } = await ask(operation, token);
        const isItsOwn = scope === operation.scope;
        expect({ ...operation, scope, isOpen: ![401, 403].includes(status), lacks: body['scope'] }).toEqual({
          ...operation,
          scope,
          isOpen: isItsOwn,
          lacks: isItsOwn ? undefined : operation.scope,
        });
      }
    }
  });

  it('all scopes but one do not open the routes of that one', async () => {
    for (const operation of operations) {
      const token = await tokenOf(everyScope.filter((scope) => scope !== operation.scope));
      const { status, headers, body } = await ask(operation, token);
      expect(headers.get('WWW-Authenticate')).toBe(`Bearer error="insufficient_scope", scope="${operation.scope}"`);
      expect({ ...operation, status, lacks: body['scope'] }).toEqual({
        ...operation,
        status: 403,
        lacks: operation.scope,
      });
    }
  });

  it('a batch that finalizes needs both scopes', async () => {
    const items = [{ idempotencyKey: randomUUID(), invoice: {} }];
    const batch = { method: 'POST', path: '/v1/invoices/batch' };
    const token = await tokenOf(['invoices:create']);
    expect(await ask(batch, token, { body: { items } })).toMatchObject({ status: 200 });
    expect(await ask(batch, token, { body: { items, finalize: true } })).toMatchObject({
      code: 'insufficient_scope',
      body: { scope: 'invoices:finalize' },
    });
  });
});

describe('TEN-01: the tenant is the caller’s', () => {
  it('X-Tenant-Id repeats it, and names no other at any route', async () => {
    const token = await tokenOf(everyScope);
    expect(await ask(lists, token, { headers: { 'X-Tenant-Id': tenantId } })).toMatchObject({ status: 200 });
    for (const operation of operations)
      expect(await ask(operation, token, { headers: { 'X-Tenant-Id': randomUUID() } })).toMatchObject({
        code: 'tenant_not_allowed',
      });
    expect(await ask(lists, token, { headers: { 'X-Tenant-Id': 'acme' } })).toMatchObject({ code: 'invalid_tenant' });
  });

  it('a caller without a tenant may do nothing, unless he may act for all', async () => {
    // The nil UUID is no tenant either: by it only who may act for all sees what belongs to none.
    for (const path of ['/v1/invoices', '/v1/dead-letters', '/v1/api-keys'])
      expect(await ask({ method: 'GET', path }, await tokenOf(everyScope, { tenant: NO_TENANT }))).toMatchObject({
        code: 'tenant_not_allowed',
      });
    const nobodys = { tenant: null };
    expect(await ask(lists, await tokenOf(everyScope, nobodys))).toMatchObject({ code: 'tenant_not_allowed' });
    const operator = await tokenOf(scopeNames, nobodys);
    expect(await ask(lists, operator)).toMatchObject({ code: 'tenant_required' });
    expect(await ask(lists, operator, { headers: { 'X-Tenant-Id': tenantId } })).toMatchObject({ status: 200 });
  });

  it('dead letters of no tenant are seen and decided by who may act for all', async () => {
    const id = randomUUID();
    const data = {
      id,
      topic: 't',
      partition: 0,
      offset: BigInt(`0x${id.slice(0, 8)}`),
      reason: 'malformed',
      detail: 'd',
      headers: '{}',
    };
    await system.database.deadLetter.create({ data: { ...data, openedAt: new Date(), workflowStartedAt: new Date() } });
    const operator = await tokenOf(scopeNames, { tenant: null });
    const listed = await ask({ method: 'GET', path: '/v1/dead-letters?limit=200' }, operator);
    expect(listed.body['items']).toContainEqual(expect.objectContaining({ id }));
    const one = { method: 'GET', path: `/v1/dead-letters/${id}` };
    expect(await ask(one, operator)).toMatchObject({ status: 200, body: { reason: 'malformed' } });
    expect(await ask(one, await tokenOf(everyScope))).toMatchObject({ code: 'dead_letter_not_found' });
    const working = await startSystem(settings);
    const discard = { method: 'POST', path: `/v1/dead-letters/${id}/discard` };
    const by = (token: string) => ask(discard, token, { url: working.url, body: { reason: 'No event at all' } });
    expect(await by(await tokenOf(everyScope))).toMatchObject({ code: 'dead_letter_not_found' });
    const decided = await waitFor('an answer', async () => {
      const answer = await by(operator);
      return answer.status === 503 ? undefined : answer;
    });
    expect(decided).toMatchObject({ status: 200, body: { resolution: 'discarded', resolvedBy: 'ann' } });
    await working.stop();
  });
});

describe('ACC-03: the keys of an issuer', () => {
  it('changed while the service runs, the new one counts and the old one does not', async () => {
    const old = await tokenOf(everyScope);
    expect(await ask(lists, old)).toMatchObject({ status: 200 });
    await issuer.rotate();
    const fresh = await tokenOf(everyScope);
    await waitFor('the new key', async () => (await ask(lists, fresh)).status === 200);
    expect(await ask(lists, old)).toMatchObject({ code: 'invalid_token' });
  });

  it('while it is away what is known counts, and what is not known is an outage', async () => {
    const known = await tokenOf(everyScope);
    expect(await ask(lists, known)).toMatchObject({ status: 200 });
    await issuer.stop();
    expect(await ask(lists, known)).toMatchObject({ status: 200 });
    await issuer.rotate();
    const unknown = await tokenOf(everyScope);
    const answer = await waitFor('an attempt to read its keys', async () => {
      const one = await ask(lists, unknown);
      return one.status === 503 && one;
    });
    expect(answer).toMatchObject({ code: 'temporarily_unavailable' });
    expect(answer.headers.get('Retry-After')).toBe('1');
    await issuer.start();
    await waitFor('its keys', async () => (await ask(lists, unknown)).status === 200);
  });

  it('tokens with keys that nobody knows make its keys be read now and then, not each time', async () => {
    const before = issuer.readings();
    await issuer.rotate(false);
    const unknown = await tokenOf(everyScope);
    for (let request = 0; request < 50; request += 1)
      expect(await ask(lists, unknown)).toMatchObject({ code: 'invalid_token' });
    expect(issuer.readings() - before).toBeLessThan(10);
    await issuer.rotate();
    await waitFor('its keys', async () => (await ask(lists, await tokenOf(everyScope))).status === 200);
  });
});

describe('ACC-04: API keys', () => {
  const keys = { method: 'POST', path: '/v1/api-keys' };
  const made = async (token: string, body: object, headers = {}) => {
    const answer = await ask(keys, token, { body: { name: 'shop', scopes: ['invoices:read'], ...body }, headers });
    return { ...answer, id: String(answer.body['id']), key: String(answer.body['key']) };
  };

  it('is shown once, allows what it names, and is listed without its secret', async () => {
    const token = await tokenOf(everyScope);
    const { key, id, status } = await made(token, {});
    expect(status).toBe(201);
    expect(await ask(lists, key)).toMatchObject({ status: 200 });
    expect(await ask({ method: 'POST', path: '/v1/invoices' }, key)).toMatchObject({ code: 'insufficient_scope' });
    const listed = await ask({ method: 'GET', path: '/v1/api-keys' }, token);
    expect(listed.body['items']).toContainEqual(expect.objectContaining({ id, name: 'shop', createdBy: 'ann' }));
    expect(JSON.stringify(listed.body)).not.toContain(key.slice(-43));
    const stored = await system.database.apiKey.findUniqueOrThrow({ where: { id } });
    expect(JSON.stringify(stored)).not.toContain(key.slice(-43));
    await waitFor('the last use', async () => {
      const row = await system.database.apiKey.findUniqueOrThrow({ where: { id } });
      return row.lastUsedAt !== null;
    });
  });

  it('stands in the history of what is done with it', async () => {
    const { key, id } = await made(await tokenOf(everyScope), { scopes: ['cashiers:write', 'cashiers:read'] });
    const body = { name: 'Kasse Nord', email: `${randomUUID()}@example.com` };
    const cashier = await ask({ method: 'POST', path: '/v1/cashiers' }, key, { body });
    expect(cashier.status).toBe(201);
    const where = { tenantId, entityId: String(cashier.body['id']) };
    expect(await system.database.auditEntry.findFirstOrThrow({ where })).toMatchObject({ actor: `shop (key ${id})` });
  });

  it('nobody gives what he does not have, and nobody rotates himself into it', async () => {
    const manager = await tokenOf(['keys:manage']);
    expect(await made(manager, {})).toMatchObject({ code: 'insufficient_scope', body: { scope: 'invoices:read' } });
    const { id } = await made(await tokenOf(everyScope), {});
    const rotate = { method: 'POST', path: `/v1/api-keys/${id}/rotate` };
    expect(await ask(rotate, manager)).toMatchObject({ code: 'insufficient_scope' });
  });

  it('of one tenant does not act for all, and one for all belongs to none', async () => {
    const operator = await tokenOf(scopeNames, { tenant: null });
    const forAll = await made(operator, { scopes: ['tenants:all', 'invoices:read'] });
    expect(await ask(lists, forAll.key, { headers: { 'X-Tenant-Id': randomUUID() } })).toMatchObject({ status: 200 });
    expect(await made(operator, {})).toMatchObject({ code: 'validation_failed' });
    const ofTenant = { 'X-Tenant-Id': tenantId };
    expect(await made(operator, { scopes: ['tenants:all'] }, ofTenant)).toMatchObject({ code: 'validation_failed' });
    expect(await made(operator, {}, ofTenant)).toMatchObject({ status: 201 });
  });

  it('another tenant’s is not there', async () => {
    const { id } = await made(await tokenOf(everyScope), {});
    const stranger = await tokenOf(everyScope, { tenant: randomUUID() });
    expect(await ask({ method: 'DELETE', path: `/v1/api-keys/${id}` }, stranger)).toMatchObject({
      code: 'api_key_not_found',
    });
    const listed = await ask({ method: 'GET', path: '/v1/api-keys' }, stranger);
    expect(listed.body['items']).toEqual([]);
  });

  it('rotated, both count for a while; at once, only the new one', async () => {
    const token = await tokenOf(everyScope);
    const old = await made(token, {});
    const rotate = { method: 'POST', path: `/v1/api-keys/${old.id}/rotate` };
    const fresh = await ask(rotate, token, { body: { graceSeconds: 3600 } });
    expect(fresh.status).toBe(201);
    for (const key of [old.key, String(fresh.body['key'])])
      expect(await ask(lists, key)).toMatchObject({ status: 200 });
    expect(await ask(rotate, token, { body: { graceSeconds: 0 } })).toMatchObject({ status: 201 });
    await waitFor('the end of the old one', async () => (await ask(lists, old.key)).code === 'invalid_token');
    expect(await ask(lists, String(fresh.body['key']))).toMatchObject({ status: 200 });
  });

  it('revoked on one process, it is refused within five seconds on two', async () => {
    const token = await tokenOf(everyScope);
    const { key, id } = await made(token, {});
    const both = () => Promise.all([system.url, second.url].map((url) => ask(lists, key, { url })));
    for (const { status } of await both()) expect(status).toBe(200);
    expect(await ask({ method: 'DELETE', path: `/v1/api-keys/${id}` }, token)).toMatchObject({ status: 204 });
    const revokedAt = performance.now();
    await waitFor('the refusal', async () => (await both()).every(({ code }) => code === 'invalid_token'), 5_000);
    expect(performance.now() - revokedAt).toBeLessThan(5_000);
    const rotate = { method: 'POST', path: `/v1/api-keys/${id}/rotate` };
    expect(await ask(rotate, token)).toMatchObject({ code: 'api_key_revoked' });
  });

  it('expires', async () => {
    const request = { tenantId, name: 'shop', scopes: ['invoices:read'] as const, createdBy: 'ann' };
    const { key } = await makeKey(system.database, { ...request, expiresAt: new Date(Date.now() - 1) });
    expect(await ask(lists, key)).toMatchObject({ code: 'invalid_token' });
  });

  it('counts where keys are the only way, and tokens of issuers do not', async () => {
    const { key } = await made(await tokenOf(everyScope), {});
    expect(await ask(lists, key, { url: second.url })).toMatchObject({ status: 200 });
    expect(await ask(lists, await tokenOf(everyScope), { url: second.url })).toMatchObject({ code: 'invalid_token' });
  });

  it('a key that was revoked before stays as it was', async () => {
    const { id } = await made(await tokenOf(everyScope), {});
    await revokeKey(system.database, id, 'ann');
    await revokeKey(system.database, id, 'bob');
    expect(await system.database.apiKey.findUniqueOrThrow({ where: { id } })).toMatchObject({ revokedBy: 'ann' });
  });
});
