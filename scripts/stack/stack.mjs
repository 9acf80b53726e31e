/** Postgres, Temporal and Kafka together: found or started, the database migrated. */
import { startKafka } from './kafka.mjs';
import { startPostgres } from './postgres.mjs';
import { say } from './progress.mjs';
import { startTemporal } from './temporal.mjs';

/**
 * @returns {Promise<{environment: Record<string, string>, webUi?: string, kafkaRunning: boolean, pids: Record<string, number>,
 *   stop: () => Promise<void>}>}
 *   environment holds the addresses, by the names of the service's settings;
 *   pids are those of the servers that were started here.
 */
export async function startStack({
  dataFolder,
  postgresPort,
  postgresSettings,
  temporalPort,
  webUiPort,
  kafkaPort,
  codecEndpoint = '',
  goOn = () => {},
}) {
  const started = [];
  const stop = async () => {
    for (const { name, stop: stopOne } of started.toReversed()) {
      if (name) say(`Stopping ${name}`);
      await stopOne();
    }
  };
  const begin = async (starting) => {
    const server = await starting;
    started.push(server);
    return server;
  };
  try {
    // allSettled, so that a server which came up is stopped although another one failed.
    const results = await Promise.allSettled([
      begin(startPostgres({ dataFolder, port: postgresPort, settings: postgresSettings })),
      begin(startTemporal({ dataFolder, port: temporalPort, uiPort: webUiPort, codecEndpoint })),
      begin(startKafka({ dataFolder, port: kafkaPort })),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    goOn();
    const [postgres, temporal, kafka] = results.map((result) => result.value);
    const { migrate } = await import('../migrate.mjs');
    const applied = await migrate(postgres.url);
    say(applied.length > 0 ? `Postgres: applied ${applied.join(', ')}` : 'Postgres: the schema is up to date');
    return {
      environment: { DATABASE_URL: postgres.url, TEMPORAL_ADDRESS: temporal.address, KAFKA_BROKERS: kafka.brokers },
      ...(temporal.name ? { webUi: `http://127.0.0.1:${webUiPort}` } : {}),
      kafkaRunning: kafka.running,
      pids: Object.fromEntries(started.filter(({ name }) => name).map(({ name, pid }) => [name, pid])),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
