/** How a process begins and ends, whatever its parts. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { type Limiter, createLimiter } from '../commands/limiter.ts';
import { CatalogueError, checkCatalogue } from '../messaging/check-catalogue.ts';
import { BATCH_EVENTS_MAX } from '../messaging/publish.ts';
import { figuresOf } from '../operations/metrics/figures.ts';
import { type Metrics, createMetrics } from '../operations/metrics/metrics.ts';
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { type Database, createDatabase } from '../platform/database.ts';
import { armFaultPoints } from '../platform/fault-points.ts';
import { type Logger, createLogger } from '../platform/logger.ts';
import { type Shutdown, createShutdown } from '../platform/shutdown.ts';
import { type Temporal, connectTemporal, prepareNamespace } from '../platform/temporal.ts';
import { exportTraces } from '../platform/trace-export.ts';
import { catalogue } from '../registry/catalogue.ts';
import { handledEvents } from '../registry/handlers.ts';
import { searchAttributes } from '../workflows/contract/common.ts';

export interface Parts {
  config: Config;
  logger: Logger;
  shutdown: Shutdown;
  database: Database;
  temporal: Temporal;
  metrics: Metrics;
  /** One for all parts of a process. */
  limiter: Limiter;
}

export const VERSION = '0.1.0';

/**
 * Runs a process: reads the environment, connects, lets `start` start its parts, and waits for the end. A bad
 * environment prints every fault and nothing else.
 */
export async function runProcess(name: string, start: (parts: Parts) => Promise<void>): Promise<void> {
  let config: Config;
  try {
    config = readConfig(process.env);
    checkCatalogue(catalogue, handledEvents);
    armFaultPoints(config.TEST_FAULTS ?? []);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof CatalogueError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const logger = createLogger({ level: config.LOG_LEVEL, name });
  const shutdown = createShutdown(logger);
  try {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
    if (endpoint !== undefined) {
      const collector = { endpoint, headers: config.OTEL_EXPORTER_OTLP_HEADERS };
      const service = { name: `billing-${name}`, version: VERSION, environment: config.NODE_ENV };
      shutdown.onStop('traces', exportTraces({ collector, service, linksMax: BATCH_EVENTS_MAX, logger }));
    }
    Runtime.install({
      logger: new DefaultLogger('WARN', ({ level, message, meta }) =>
        logger[logMethods[level] ?? 'info']({ ...meta }, message),
      ),
      shutdownSignals: [],
    });
    const database = createDatabase({
      url: config.DATABASE_URL,
      poolMax: config.DATABASE_POOL_MAX,
      applicationName: `billing-${name}`,
      limits: databaseLimits(config),
    });
    shutdown.onStop('database', () => database.$disconnect());
    const temporal = await connectTemporal(config);
    shutdown.onStop('temporal', () => temporal.connection.close());
    await prepareNamespace(temporal, Object.values(searchAttributes));
    const metrics = createMetrics(figuresOf(database));
    await start({ config, logger, shutdown, database, temporal, metrics, limiter: createLimiter() });
  } catch (error) {
    shutdown.fail(error);
  }
  await shutdown.done;
  process.exit();
}

const logMethods: Record<string, 'warn' | 'error' | 'debug'> = {
  WARN: 'warn',
  ERROR: 'error',
  DEBUG: 'debug',
  TRACE: 'debug',
};
