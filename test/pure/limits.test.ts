/** A tenant's limits while Postgres does not answer. What would break without it: a look-up that refuses a request. */
import { expect, it } from 'vitest';
import { createLimits } from '../../access/limits.ts';
import type { Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';

const settings = { requestsPerSecond: 500, commandsAtOnce: 200 };
const logger = createLogger({ level: 'silent', name: 'test' });
const databaseThat = (findUnique: () => Promise<unknown>) => ({ tenantLimits: { findUnique } }) as unknown as Database;

it('LIM-01: what was not set for a tenant is as the settings say', async () => {
  const database = databaseThat(async () => ({ requestsPerSecond: 20, commandsAtOnce: null }));
  expect(await createLimits(database, settings, logger)('t')).toEqual({ requestsPerSecond: 20, commandsAtOnce: 200 });
});

it('LIM-01: limits that cannot be read are those of the settings, and nothing is refused for it', async () => {
  const database = databaseThat(() => Promise.reject(new Error('connect ECONNREFUSED')));
  expect(await createLimits(database, settings, logger)('t')).toEqual(settings);
});
