/** What `npm run keys` does, and what it says of it. */
import { type ApiKey, keyById, listKeys, makeKey, revokeKey, rotateKey } from '../../access/api-key-rows.ts';
import type { Database } from '../../platform/database.ts';
import type { KeysRequest } from './arguments.ts';

/** There is no such key, or it cannot be rotated; the message is for who asked. */
export class NoSuchKey extends Error {}

const PAGE = 200;

/** Resolves with what to print. Rejects with NoSuchKey. */
export async function carryOut(database: Database, request: KeysRequest): Promise<string> {
  const { tenantId, actor } = request;
  switch (request.action) {
    case 'make': {
      const { name, scopes, expiresAt } = request;
      return shown(await makeKey(database, { tenantId, name, scopes, expiresAt, createdBy: actor }));
    }
    case 'list':
      return (await everyKey(database, tenantId)).map(lineOf).join('\n') || 'There are no keys.';
    case 'revoke': {
      const { id } = await find(database, request);
      await revokeKey(database, id, actor);
      return `${id} is revoked.`;
    }
    case 'rotate': {
      const old = await find(database, request);
      if (old.revokedAt) throw new NoSuchKey(`${old.id} was revoked: make another.`);
      const { graceMs, expiresAt } = request;
      return shown(await rotateKey(database, old, { createdBy: actor, expiresAt, graceMs }));
    }
  }
}

async function everyKey(database: Database, tenantId: string | null): Promise<ApiKey[]> {
  const all: ApiKey[] = [];
  let page = await listKeys(database, tenantId, PAGE, null);
  for (; page.next; page = await listKeys(database, tenantId, PAGE, page.next)) all.push(...page.keys);
  return [...all, ...page.keys];
}

async function find(database: Database, { id, tenantId }: { id: string; tenantId: string | null }): Promise<ApiKey> {
  const key = await keyById(database, tenantId, id);
  if (!key) throw new NoSuchKey(`There is no key ${id} of ${tenantId ?? 'all tenants'}.`);
  return key;
}

const shown = (made: ApiKey & { key: string }): string => `${lineOf(made)}\n${made.key}\nNobody can be told it again.`;

const lineOf = ({ id, name, scopes, createdBy, createdAt, expiresAt, lastUsedAt, revokedAt, revokedBy }: ApiKey) =>
  [
    id,
    name,
    scopes.join(' '),
    `made ${createdAt.toISOString()} by ${createdBy}`,
    ...(expiresAt ? [`expires ${expiresAt.toISOString()}`] : []),
    lastUsedAt ? `used ${lastUsedAt.toISOString()}` : 'never used',
    ...(revokedAt ? [`revoked ${revokedAt.toISOString()} by ${revokedBy}`] : []),
  ].join(' | ');
