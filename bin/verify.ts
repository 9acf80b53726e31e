/** `npm run verify`: does everything that Postgres, Kafka and Temporal hold fit together? */
import { catalogue } from '../registry/catalogue.ts';
import { topicsOf } from '../messaging/cloud-event.ts';
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { createKafka } from '../platform/kafka.ts';
import { readLog } from '../platform/kafka-log.ts';
import { createLogger } from '../platform/logger.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { type VerifyArguments, parseArguments } from '../operations/verify/arguments.ts';
import { allChecks } from '../operations/verify/checks.ts';
import { exitCodeOf, reportOf } from '../operations/verify/report.ts';
import { verify } from '../operations/verify/verify.ts';

const POOL_MAX = 2;
/** Some statements look through a whole table for what should not be there. */
const QUERY_LIMIT_MS = 5 * 60_000;
const READ_LOG_LIMIT_MS = 30 * 60_000;
const KAFKA_RETRIES = 3;

class Unreachable extends Error {}

/** Says which server does not answer, where it was looked for, and what to do. */
async function reach<T>(server: string, address: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Unreachable(
      `${server} does not answer at ${address}: ${said}\nIs it the one of npm start? Then that must be running. Any other is named in .env or the environment (.env.example).`,
    );
  }
}

async function main(config: Config, { graceMs, tenants }: VerifyArguments): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: POOL_MAX,
    applicationName: 'billing-verify',
    limits: { ...databaseLimits(config), statementMs: QUERY_LIMIT_MS },
    readOnly: true,
  });
  await reach('Postgres', new URL(config.DATABASE_URL).host, () => database.$queryRaw`SELECT 1`);
  const temporal = await reach('Temporal', config.TEMPORAL_ADDRESS, () => connectTemporal(config));
  const logger = createLogger({ level: 'silent', name: 'verify' });
  const kafka = createKafka(config, logger, { retries: KAFKA_RETRIES });
  const admin = kafka.admin();
  await reach('Kafka', config.KAFKA_BROKERS.join(', '), () => admin.connect());
  await admin.disconnect();
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
