/** `npm run recover`: brings back from Kafka what Postgres lacks, after it was restored from a backup. */
import { topicsOf } from '../messaging/cloud-event.ts';
import { catalogue } from '../registry/catalogue.ts';
import { handledEvents } from '../registry/handlers.ts';
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { readLog } from '../platform/kafka-log.ts';
import { GroupIsReading, rewindGroup } from '../platform/kafka-rewind.ts';
import { type RecoverArguments, parseArguments } from '../operations/recover/arguments.ts';
import { exitCodeOf, reportOf } from '../operations/recover/report.ts';
import { recover } from '../operations/recover/run.ts';
import { backupTime } from '../operations/recover/backup-time.ts';
import { StillRunning, expectStopped } from '../operations/stopped.ts';
import { CONSUMER_GROUP, wireSettings } from './parts.ts';
import { Unreachable, reachServers } from './reach.ts';

const POOL_MAX = 2;
const STATEMENT_LIMIT_MS = 60_000;
const READ_LOG_LIMIT_MS = 60 * 60_000;

async function main(config: Config, { sinceMs: given, write, leave }: RecoverArguments): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: POOL_MAX,
    applicationName: 'billing-recover',
    limits: { ...databaseLimits(config), statementMs: STATEMENT_LIMIT_MS },
  });
  const { temporal, kafka } = await reachServers(config, database);
  await expectStopped(database);
  const sinceMs = given ?? (await backupTime(database));
  process.stderr.write(`Reading what came to Kafka since ${new Date(sinceMs).toISOString()} ...\n`);
  const recovery = await recover(
    {
      database,
      temporal: temporal.client,
      wire: wireSettings(config),
      readLog: (onRecords, since) =>
        readLog(kafka, {
          topics: topicsOf(catalogue, config.NODE_ENV),
          onRecords,
          limitMs: READ_LOG_LIMIT_MS,
          sinceMs: since,
        }),
      rewind: (since) =>
        rewindGroup(kafka, {
          groupId: CONSUMER_GROUP,
          topics: topicsOf(handledEvents, config.NODE_ENV),
          sinceMs: since,
        }),
    },
    { sinceMs, write, leave },
  );
  process.stdout.write(`${reportOf(recovery)}\n`);
  process.exitCode = exitCodeOf(recovery);
  await database.$disconnect();
  await temporal.connection.close();
}

try {
  const options = parseArguments(process.argv);
  await main(readConfig(process.env), options);
} catch (error) {
  const isExpected = [ConfigError, Unreachable, StillRunning, GroupIsReading].some((kind) => error instanceof kind);
  if (!isExpected || !(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
}
