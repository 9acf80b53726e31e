/** `npm run rebuild`: starts the workflows again that should exist, after the Temporal namespace was lost. */
import { searchAttributes } from '../workflows/contract/common.ts';
import { versionedTopics } from '../registry/event-versions.ts';
import { openStanding } from '../messaging/standing.ts';
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { stopOnCtrlC } from '../platform/ctrl-c.ts';
import { createDatabase } from '../platform/database.ts';
import { mayPass } from '../platform/failed-server.ts';
import { connectTemporal, prepareNamespace } from '../platform/temporal.ts';
import { parseArguments } from '../operations/rebuild/arguments.ts';
import { kindsOf } from '../operations/rebuild/kinds.ts';
import { startProgress } from '../operations/rebuild/progress.ts';
import { rebuild } from '../operations/rebuild/run.ts';
import { exitCodeOf, summaryOf } from '../operations/rebuild/summary.ts';

const POOL_MAX = 2;
const RELAY_LIMIT_MS = 10_000;

async function main(config: Config, perSecond: number): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: POOL_MAX,
    applicationName: 'billing-rebuild',
    limits: databaseLimits(config),
  });
  const temporal = await connectTemporal(config);
  await prepareNamespace(temporal, Object.values(searchAttributes));
  const deps = { database, client: temporal.client, taskQueue: config.TEMPORAL_TASK_QUEUE };
  const topics = versionedTopics(config.NODE_ENV).map(({ topic }) => topic);
  const startedAt = performance.now();
  const progress = startProgress();
  const rebuilt = await rebuild({
    kinds: kindsOf(deps),
    openStanding: () =>
      openStanding({ ...deps, shards: config.OUTBOX_SHARDS, versionedTopics: topics }, RELAY_LIMIT_MS),
    perSecond,
    stop: stopOnCtrlC(),
    mayPass,
    progress,
  });
  progress.stop();
  process.stdout.write(`${summaryOf(rebuilt, (performance.now() - startedAt) / 1000)}\n`);
  process.exitCode = exitCodeOf(rebuilt);
  await database.$disconnect();
  await temporal.connection.close();
}

try {
  const { perSecond } = parseArguments(process.argv);
  await main(readConfig(process.env), perSecond);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
