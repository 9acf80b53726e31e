/**
 * API keys: for machines that have no issuer of tokens. A key is shown once, when it is made; stored is a hash of its
 * secret, which has 32 random bytes, so that a slow hash would add nothing.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Database } from '../platform/database.ts';
import { TokenRefused } from '../platform/issuers.ts';
import type { Logger } from '../platform/logger.ts';
import type { Caller } from './caller.ts';
import { type Scope, isScope } from './scopes.ts';

const SECRET_BYTES = 32;
const API_KEY = /^bk_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([\w-]{43})$/;
/** So long a key that was looked up is not looked up again: on every process a revocation counts after it. */
const LOOKED_UP_MS = 2_000;
const LOOKED_UP_MAX = 10_000;
/** The last use is written at most so often. */
const USE_NOTED_MS = 60_000;

export const isApiKey = (token: string): boolean => token.startsWith('bk_');

/** What is stored of a key, as its reader needs it. */
export interface StoredKey {
  id: string;
  tenantId: string | null;
  name: string;
  scopes: readonly string[];
  secretHash: Uint8Array;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

const hashOf = (secret: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(secret).digest());

/** A new key: what its owner is told, once, and what is stored. */
export function newApiKey(): { id: string; key: string; secretHash: Uint8Array<ArrayBuffer> } {
  const id = randomUUID();
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, key: `bk_${id}_${secret}`, secretHash: hashOf(secret) };
}

export interface ApiKeys {
  /** Rejects with TokenRefused when the key does not count. */
  callerOf: (apiKey: string) => Promise<Caller>;
}

/** Reads keys through a cache of two seconds. */
export function createApiKeys(database: Database, logger: Logger): ApiKeys {
  const lookedUp = new LRUCache<string, { stored: StoredKey | null; useNotedAt: number }>({
    max: LOOKED_UP_MAX,
    ttl: LOOKED_UP_MS,
    fetchMethod: async (id) => {
      const stored = await database.apiKey.findUnique({ where: { id } });
      return { stored, useNotedAt: stored?.lastUsedAt?.getTime() ?? 0 };
    },
  });
  const noteUse = async (id: string, entry: { useNotedAt: number }): Promise<void> => {
    const now = Date.now();
    if (now - entry.useNotedAt < USE_NOTED_MS) return;
    entry.useNotedAt = now;
    const before = new Date(now - USE_NOTED_MS);
    const isOld = { OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: before } }] };
    await database.apiKey
      .updateMany({ where: { id, ...isOld }, data: { lastUsedAt: new Date(now) } })
      .catch((error: unknown) => logger.warn({ err: error, keyId: id }, 'the last use of a key was not noted'));
  };
  return {
    callerOf: async (apiKey) => {
      const [, id = '', secret = ''] = API_KEY.exec(apiKey) ?? [];
      if (!id) throw new TokenRefused('It is no API key that can be read.');
      const entry = await lookedUp.forceFetch(id);
      const caller = callerOf(entry.stored, secret);
      void noteUse(id, entry);
      return caller;
    },
  };
}

function callerOf(stored: StoredKey | null, secret: string): Caller {
  // One answer for a key that is not there and for a wrong secret.
  if (!stored || !timingSafeEqual(stored.secretHash, hashOf(secret)))
    throw new TokenRefused('It is not a key of ours.');
  if (stored.revokedAt) throw new TokenRefused('The key was revoked.');
  if (stored.expiresAt && stored.expiresAt.getTime() <= Date.now()) throw new TokenRefused('The key has expired.');
  return {
    actor: actorOfKey(stored),
    tenantId: stored.tenantId,
    scopes: new Set<Scope>(stored.scopes.filter(isScope)),
  };
}

const actorOfKey = ({ id, name }: StoredKey): string => `${name} (key ${id})`;
