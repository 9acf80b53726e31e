/** API keys in Postgres: made, listed, revoked and rotated, by REST and by `npm run keys`. */
import type { Database } from '../platform/database.ts';
import { type Scope, isScope } from './scopes.ts';
import { newApiKey } from './api-keys.ts';

/** A key as those who manage it see it. */
export interface ApiKey {
  id: string;
  /** null: of all tenants */
  tenantId: string | null;
  name: string;
  scopes: readonly Scope[];
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedBy: string | null;
  revokedAt: Date | null;
}

/** A key that was just made: nobody can be told `key` again. */
export interface MadeKey extends ApiKey {
  key: string;
}

export interface KeyRequest {
  tenantId: string | null;
  name: string;
  scopes: readonly Scope[];
  expiresAt: Date | null;
  createdBy: string;
}

/** Where a page ends: the last key on it. */
export interface KeyPosition {
  createdAt: string;
  id: string;
}

const omit = { secretHash: true } as const;

/** What is no scope any more allows nothing. */
const toKey = <T extends { scopes: string[] }>({ scopes, ...row }: T) => ({ ...row, scopes: scopes.filter(isScope) });

export async function makeKey(database: Database, request: KeyRequest): Promise<MadeKey> {
  const { data, key } = rowOf(request);
  return { ...toKey(await database.apiKey.create({ data, omit })), key };
}

function rowOf({ scopes, ...request }: KeyRequest) {
  const { id, key, secretHash } = newApiKey();
  return { data: { ...request, id, secretHash, scopes: [...scopes], createdAt: new Date() }, key };
}

/** One page of the keys of a tenant, or of those of all tenants (null), newest first. */
export async function listKeys(
  database: Database,
  tenantId: string | null,
  limit: number,
  after: KeyPosition | null,
): Promise<{ keys: ApiKey[]; next: KeyPosition | null }> {
  const behind = after && {
    OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }],
  };
  const rows = await database.apiKey.findMany({
    where: { tenantId, ...behind },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
    omit,
  });
  const keys = rows.slice(0, limit).map(toKey);
  const last = keys.at(-1);
  return {
    keys,
    next: rows.length > limit && last ? { createdAt: last.createdAt.toISOString(), id: last.id } : null,
  };
}

/** The key of this tenant (null: of all tenants) with this id, or null. */
export async function keyById(database: Database, tenantId: string | null, id: string): Promise<ApiKey | null> {
  const row = await database.apiKey.findFirst({ where: { tenantId, id }, omit });
  return row && toKey(row);
}

/** A key that was revoked before stays as it was. */
export async function revokeKey(database: Database, id: string, revokedBy: string): Promise<void> {
  await database.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedBy, revokedAt: new Date() } });
}

/** A new key that allows what `old` allows, which goes on counting for `graceMs` at most. */
export async function rotateKey(
  database: Database,
  old: ApiKey,
  { createdBy, expiresAt, graceMs }: { createdBy: string; expiresAt: Date | null; graceMs: number },
): Promise<MadeKey> {
  const { tenantId, name, scopes } = old;
  const { data, key } = rowOf({ tenantId, name, scopes, expiresAt, createdBy });
  const ends = new Date(Date.now() + graceMs);
  const expiresLater = { OR: [{ expiresAt: null }, { expiresAt: { gt: ends } }] };
  const [made] = await database.$transaction([
    database.apiKey.create({ data, omit }),
    database.apiKey.updateMany({ where: { id: old.id, ...expiresLater }, data: { expiresAt: ends } }),
  ]);
  return { ...toKey(made), key };
}
