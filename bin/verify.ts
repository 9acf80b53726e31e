/** `npm run verify`: does everything that Postgres, Kafka and Temporal hold fit together? */
import { catalogue } from '../registry/catalogue.ts';
import { topicsOf } from '../messaging/cloud-event.ts';
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { readLog } from '../platform/kafka-log.ts';
import { type VerifyArguments, parseArguments } from '../operations/verify/arguments.ts';
import { allChecks } from '../operations/verify/checks.ts';
import { exitCodeOf, reportOf } from '../operations/verify/report.ts';
import { verify } from '../operations/verify/verify.ts';
import { Unreachable, reachServers } from './reach.ts';

const POOL_MAX = 2;
/** Some statements look through a whole table for what should not be there. */
const QUERY_LIMIT_MS = 5 * 60_000;
const READ_LOG_LIMIT_MS = 30 * 60_000;

async function main(config: Config, { graceMs, tenants }: VerifyArguments): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: POOL_MAX,
    applicationName: 'billing-verify',
    limits: { ...databaseLimits(config), statementMs: QUERY_LIMIT_MS },
    readOnly: true,
  });
  const { temporal, kafka } = await reachServers(config, database);
  const topics = topicsOf(catalogue, config.NODE_ENV);
  const world = {
    database,
    temporal: temporal.client,
    readLog: (onRecords: Parameters<typeof readLog>[1]['onRecords']) =>
      readLog(kafka, { topics, onRecords, limitMs: READ_LOG_LIMIT_MS }),
    environment: config.NODE_ENV,
    shards: config.OUTBOX_SHARDS,
    tenants,
  };
  const onBegin = (name: string, isSecondRead: boolean) =>
    process.stderr.write(`${isSecondRead ? 'Looking again' : 'Looking'} at ${name} ...\n`);
  const reports = await verify(world, { checks: allChecks, graceMs, onBegin });
  process.stdout.write(`${reportOf(reports)}\n`);
  process.exitCode = exitCodeOf(reports);
  await database.$disconnect();
  await temporal.connection.close();
}

try {
  const options = parseArguments(process.argv);
  await main(readConfig(process.env), options);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof Unreachable)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
