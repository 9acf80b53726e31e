/** What a tenant may ask for at once: as the settings say, or as it was set for the tenant. */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { inBody, wholeNumber } from '../values/schema.ts';

export interface Limits {
  requestsPerSecond: number;
  /** Commands that are being carried out. */
  commandsAtOnce: number;
}

/** So long a change takes at most until every process knows of it. */
const LOOKED_UP_MS = 3_000;
const LOOKED_UP_MAX = 10_000;
const LIMIT_MAX = 1_000_000;

const limit = wholeNumber(1, LIMIT_MAX).nullable();
const limits = (member: z.ZodType<number | null>) => {
  const described = member.meta({ description: 'null: as the settings of the service say' });
  return z.strictObject({ requestsPerSecond: described, commandsAtOnce: described });
};
/** What is to be set for a tenant, and what is. */
export const setLimitsSchema = limits(inBody(limit));
export const ownLimitsSchema = limits(limit).meta({ id: 'TenantLimits' });
export type OwnLimits = z.infer<typeof ownLimitsSchema>;

export async function ownLimitsOf(database: Database, tenantId: string): Promise<OwnLimits> {
  const row = await database.tenantLimits.findUnique({ where: { tenantId } });
  return { requestsPerSecond: row?.requestsPerSecond ?? null, commandsAtOnce: row?.commandsAtOnce ?? null };
}

export async function setLimits(
  database: Database,
  tenantId: string,
  { changedBy, ...own }: OwnLimits & { changedBy: string },
): Promise<void> {
  const row = { ...own, changedBy, changedAt: new Date() };
  await database.tenantLimits.upsert({ where: { tenantId }, create: { tenantId, ...row }, update: row });
}

/**
 * The limits of a tenant, through a cache of three seconds. While the database does not answer the last known ones hold,
 * or those of the settings: to look up a limit is no reason to refuse a request.
 */
export function createLimits(
  database: Database,
  settings: Limits,
  logger: Logger,
): (tenantId: string) => Promise<Limits> {
  const lookedUp = new LRUCache<string, OwnLimits>({
    max: LOOKED_UP_MAX,
    ttl: LOOKED_UP_MS,
    allowStaleOnFetchRejection: true,
    fetchMethod: (tenantId) => ownLimitsOf(database, tenantId),
  });
  return async (tenantId) => {
    const own = await lookedUp.fetch(tenantId).catch((error: unknown) => {
      logger.warn({ err: error, tenantId }, 'the limits of a tenant cannot be read; those of the settings hold');
    });
    return {
      requestsPerSecond: own?.requestsPerSecond ?? settings.requestsPerSecond,
      commandsAtOnce: own?.commandsAtOnce ?? settings.commandsAtOnce,
    };
  };
}
