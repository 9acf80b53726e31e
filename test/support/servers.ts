/** Stops and starts the servers of the test run, as an outage would. */
import path from 'node:path';
import { startKafka } from '../../scripts/stack/kafka.mjs';
import { startPostgres } from '../../scripts/stack/postgres.mjs';
import { stopServer } from '../../scripts/stack/processes.mjs';
import { startTemporal } from '../../scripts/stack/temporal.mjs';

const { TEST_DATA: dataFolder = '', TEST_PORTS = '{}' } = process.env;
const { postgresPort, temporalPort, webUiPort, kafkaPort } = JSON.parse(TEST_PORTS) as Record<string, number>;
const pidFile = (name: string) => path.join(dataFolder, 'logs', `${name}.pid`);

/** The start scripts take a server that the environment names instead of starting one. */
async function withoutAddress<T>(
  name: 'DATABASE_URL' | 'TEMPORAL_ADDRESS' | 'KAFKA_BROKERS',
  work: () => Promise<T>,
): Promise<T> {
  const address = process.env[name];
  delete process.env[name];
  try {
    return await work();
  } finally {
    process.env[name] = address;
  }
}

export const servers = {
  killPostgres: () => stopServer('postgres', pidFile('postgres'), 'SIGQUIT'),
  startPostgres: () => withoutAddress('DATABASE_URL', () => startPostgres({ dataFolder, port: postgresPort ?? 0 })),
  stopKafka: () => stopServer('kafka', pidFile('kafka')),
  startKafka: () => withoutAddress('KAFKA_BROKERS', () => startKafka({ dataFolder, port: kafkaPort ?? 0 })),
  killTemporal: () => stopServer('temporal', pidFile('temporal'), 'SIGKILL'),
  startTemporal: () =>
    withoutAddress('TEMPORAL_ADDRESS', () =>
      startTemporal({ dataFolder, port: temporalPort ?? 0, uiPort: webUiPort ?? 0 }),
    ),
};
