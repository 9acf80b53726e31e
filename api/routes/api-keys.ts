/** The routes of API keys: made, listed, revoked and rotated by who may. */
import { z } from 'zod';
import {
  type ApiKey,
  type KeyPosition,
  type MadeKey,
  keyById,
  listKeys,
  makeKey,
  revokeKey,
  rotateKey,
} from '../../access/api-key-rows.ts';
import {
  type WireApiKey,
  apiKeyListSchema,
  listKeysSchema,
  madeKeySchema,
  makeKeySchema,
  rotateKeySchema,
} from '../../access/schemas.ts';
import { type Identity, NO_TENANT } from '../../access/caller.ts';
import type { Scope } from '../../access/scopes.ts';
import { invalidFields } from '../../commands/refusal.ts';
import type { Database } from '../../platform/database.ts';
import { instant } from '../../values/schema.ts';
import { uuidIn } from '../../values/text.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { requireScopes } from '../identity.ts';
import { Problem, everyRead, problemOf } from '../problems.ts';
import type { Call, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

const API_KEYS = '/v1/api-keys';
const ofKeys = { tag: 'API keys', scope: 'keys:manage', ofNoTenant: true } as const;
const ofOne = { ...ofKeys, params: z.object({ id: z.string().meta({ description: 'The key’s id' }) }) };
const made = { 201: { description: 'The key, which is shown this once', schema: madeKeySchema } };

export const apiKeyRoutes = ({ database }: { database: Database }): Route[] => [
  {
    ...ofKeys,
    method: 'post',
    path: API_KEYS,
    operationId: 'makeApiKey',
    summary: 'Make an API key',
    description: 'Sent again it makes another key: of one whose answer was lost nobody has the secret, so revoke it.',
    body: {
      schema: makeKeySchema,
      required: true,
      examples: { shop: { name: 'web shop', scopes: ['invoices:create', 'invoices:read'] } },
    },
    answers: made,
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity, body }) => {
      const { expiresAt, ...asked } = parseOrRefuse(makeKeySchema, body);
      // Nobody gives what he does not have.
      requireScopes(identity, asked.scopes);
      refuseWrongTenant(identity, asked.scopes);
      const createdBy = identity.actor;
      const request = { ...asked, tenantId: tenantOf(identity), expiresAt: instantIn(expiresAt), createdBy };
      return { status: 201, body: madeToWire(await makeKey(database, request)) };
    },
  },
  {
    ...ofKeys,
    method: 'get',
    path: API_KEYS,
    operationId: 'listApiKeys',
    summary: 'List API keys, newest first',
    query: listKeysSchema,
    answers: { 200: { description: 'One page', schema: apiKeyListSchema } },
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity, query }) => {
      const { limit, cursor } = parseOrRefuse(listKeysSchema, query);
      const after = positionOf(API_KEYS, positionSchema, cursor);
      const { keys, next } = await listKeys(database, tenantOf(identity), limit, after);
      return {
        status: 200,
        body: { items: keys.map(toWire), nextCursor: next && cursorOf(API_KEYS, next.createdAt, next.id) },
      };
    },
  },
  {
    ...ofOne,
    method: 'delete',
    path: `${API_KEYS}/{id}`,
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: 'Every process refuses it within five seconds. Revoked again, it stays as it was.',
    answers: { 204: { description: 'The key does not count any more' } },
    problems: [...everyRead, 'api_key_not_found'],
    handle: async (call) => {
      const { id } = await find(database, call);
      await revokeKey(database, id, call.identity.actor);
      return { status: 204 };
    },
  },
  {
    ...ofOne,
    method: 'post',
    path: `${API_KEYS}/{id}/rotate`,
    operationId: 'rotateApiKey',
    summary: 'Make a key in place of another, which goes on counting for a while',
    body: { schema: rotateKeySchema, required: false, examples: { day: {}, atOnce: { graceSeconds: 0 } } },
    answers: made,
    problems: [...everyRead, 'validation_failed', 'api_key_not_found', 'api_key_revoked'],
    handle: async (call) => {
      const { graceSeconds, expiresAt } = parseOrRefuse(rotateKeySchema, call.body);
      const old = await find(database, call);
      if (old.revokedAt) throw new Problem('api_key_revoked', 'A key that was revoked is not rotated: make another.');
      requireScopes(call.identity, old.scopes);
      const rotated = await rotateKey(database, old, {
        createdBy: call.identity.actor,
        expiresAt: instantIn(expiresAt),
        graceMs: graceSeconds * 1_000,
      });
      return { status: 201, body: madeToWire(rotated) };
    },
  },
];

/** An unknown, a malformed and another tenant's id cannot be told apart. */
async function find(database: Database, { identity, params }: Call): Promise<ApiKey> {
  const id = uuidIn(params['id']);
  const key = id && (await keyById(database, tenantOf(identity), id));
  if (!key) throw new Problem('api_key_not_found', `There is no API key ${params['id'] ?? ''}.`);
  return key;
}

/** A key of one tenant names no other, and one of none could do nothing without naming one. */
function refuseWrongTenant({ tenantId }: Identity, asked: readonly Scope[]): void {
  const isForAll = asked.includes('tenants:all');
  if (isForAll === (tenantId === NO_TENANT)) return;
  const message = isForAll
    ? 'tenants:all is for keys of no tenant: send no X-Tenant-Id, or the nil UUID'
    : 'must have tenants:all when X-Tenant-Id names no tenant';
  throw problemOf(invalidFields([{ path: 'scopes', code: 'wrong_tenant', message }]));
}

const tenantOf = ({ tenantId }: Identity): string | null => (tenantId === NO_TENANT ? null : tenantId);
const instantIn = (text: string | null | undefined): Date | null =>
  text === undefined || text === null ? null : new Date(text);

const positionSchema = z.tuple([instant(), z.guid()]).transform(([createdAt, id]): KeyPosition => ({ createdAt, id }));

const toWire = (key: ApiKey): WireApiKey => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  createdBy: key.createdBy,
  createdAt: key.createdAt.toISOString(),
  expiresAt: key.expiresAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  revokedBy: key.revokedBy,
  revokedAt: key.revokedAt?.toISOString() ?? null,
});

const madeToWire = ({ key, ...row }: MadeKey) => ({ ...toWire(row), key });
