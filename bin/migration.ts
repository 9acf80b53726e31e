/** `npm run migration`: which versions of events are published, who reads them, and decisions about them. */
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { type MigrationRequest, parseArguments } from '../operations/migration/arguments.ts';
import { Refused, carryOut } from '../operations/migration/run.ts';
import { wireSettings } from './parts.ts';
import { Unreachable, reachPostgres } from './reach.ts';

const POOL_MAX = 2;

async function main(config: Config, request: MigrationRequest): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: POOL_MAX,
    applicationName: 'billing-migration',
    limits: databaseLimits(config),
  });
  try {
    await reachPostgres(config, database);
    process.stdout.write(`${await carryOut(database, wireSettings(config), request)}\n`);
  } finally {
    await database.$disconnect();
  }
}

try {
  const request = parseArguments(process.argv);
  await main(readConfig(process.env), request);
} catch (error) {
  const isExpected = [ConfigError, Unreachable, Refused].some((kind) => error instanceof kind);
  if (!isExpected || !(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
