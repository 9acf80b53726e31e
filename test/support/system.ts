/** The real service inside the test's process: API, worker and relay on the servers that `npm test` has started. */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { randomUUID } from 'node:crypto';
import { startApi, startConsumer, startWorker } from '../../bin/parts.ts';
import { createLimiter } from '../../commands/limiter.ts';
import { figuresOf } from '../../operations/metrics/figures.ts';
import { createMetrics } from '../../operations/metrics/metrics.ts';
import { type Config, databaseLimits, readConfig } from '../../platform/config.ts';
import { type Database, createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import type { Shutdown } from '../../platform/shutdown.ts';
import { type Temporal, connectTemporal, prepareNamespace } from '../../platform/temporal.ts';
import { freePort } from '../../scripts/stack/processes.mjs';
import { type Caller, createCaller } from './caller.ts';
import { testDatabase } from './database.ts';
import { noLimits } from './no-limits.ts';
import './quiet.ts';

export interface System {
  config: Config;
  /** For the test to look at, and to change; not the service's own. */
  database: Database;
  temporal: Temporal;
  url: string;
  /** A caller of a tenant of its own, so that tests do not meet. */
  caller: (tenantId?: string) => Caller;
  stop: () => Promise<void>;
}

/** The settings of the test run, with changes. */
export async function testConfig(changes: Record<string, string> = {}): Promise<Config> {
  const port = String(await freePort());
  return readConfig({
    ...process.env,
    ...noLimits,
    NODE_ENV: 'test',
    AUTH: 'demo',
    LOG_LEVEL: 'silent',
    PORT: port,
    SHUTDOWN_GRACE_MS: '2000',
    ...changes,
  });
}

/** Starts the service; the API alone with `worker: false`. */
export async function startSystem(
  changes: Record<string, string> = {},
  { worker = true, consumer = false } = {},
): Promise<System> {
  const config = await testConfig(changes);
  const logger = createLogger({ level: config.LOG_LEVEL, name: 'test' });
  const stops: (() => Promise<unknown> | void)[] = [];
  const shutdown: Shutdown = {
    onStop: (_name, stop) => void stops.push(stop),
    done: Promise.resolve(),
    fail: (error) => {
      throw error;
    },
  };
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: config.DATABASE_POOL_MAX,
    applicationName: 'test',
    limits: databaseLimits(config),
  });
  shutdown.onStop('database', () => database.$disconnect());
  const temporal = await connectTemporal(config);
  shutdown.onStop('temporal', () => temporal.connection.close());
  await prepareNamespace(temporal, Object.values(searchAttributes));
  const metrics = createMetrics(figuresOf(database));
  const parts = { config, logger, shutdown, database, temporal, metrics, limiter: createLimiter() };
  if (worker) await startWorker(parts);
  if (consumer) await startConsumer(parts);
  const { port } = await startApi(parts);
  const url = `http://127.0.0.1:${port}`;
  const observer = testDatabase({ url: config.DATABASE_URL });
  shutdown.onStop('observer', () => observer.$disconnect());
  return {
    config,
    database: observer,
    temporal,
    url,
    caller: (tenantId = randomUUID()) => createCaller(url, tenantId),
    stop: async () => {
      for (const stop of stops.toReversed()) await stop();
    },
  };
}
