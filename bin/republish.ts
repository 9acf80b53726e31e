/** `npm run republish`: sends every event again that Postgres still has, after Kafka has lost topics. */
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { parseArguments } from '../operations/republish/arguments.ts';
import { reportOf, republish } from '../operations/republish/run.ts';
import { StillRunning, expectStopped } from '../operations/stopped.ts';
import { Unreachable, reachPostgres } from './reach.ts';

const POOL_MAX = 2;
const STATEMENT_LIMIT_MS = 60_000;

async function main(config: Config, options: { topic: string | undefined }): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: POOL_MAX,
    applicationName: 'billing-republish',
    limits: { ...databaseLimits(config), statementMs: STATEMENT_LIMIT_MS },
  });
  await reachPostgres(config, database);
  await expectStopped(database);
  process.stdout.write(`${reportOf(await republish(database, options))}\n`);
  await database.$disconnect();
}

try {
  const options = parseArguments(process.argv);
  await main(readConfig(process.env), options);
} catch (error) {
  const isExpected = [ConfigError, Unreachable, StillRunning].some((kind) => error instanceof kind);
  if (!isExpected || !(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
