/** Stops and starts the servers of the test run, as an outage would. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startKafka } from '../../scripts/stack/kafka.mjs';
import { ensureDatabase, startPostgres } from '../../scripts/stack/postgres.mjs';
import { freePort, run, stopServer } from '../../scripts/stack/processes.mjs';
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

export interface OwnTemporal {
  address: string;
  /** Kills it, and starts it again without anything that was in it. */
  lose: () => Promise<void>;
  stop: () => Promise<void>;
}

/** A Temporal that no other test uses. */
export async function startOwnTemporal(name: string): Promise<OwnTemporal> {
  const folder = path.join(dataFolder, name);
  const [port, uiPort] = [await freePort(), await freePort()];
  const start = () => withoutAddress('TEMPORAL_ADDRESS', () => startTemporal({ dataFolder: folder, port, uiPort }));
  const stop = (signal?: NodeJS.Signals) => stopServer('temporal', path.join(folder, 'logs', 'temporal.pid'), signal);
  const { address } = await start();
  return {
    address,
    lose: async () => {
      await stop('SIGKILL');
      await rm(path.join(folder, 'temporal'), { recursive: true });
      await start();
    },
    stop: () => stop(),
  };
}

export interface OwnKafka {
  brokers: string;
  start: () => Promise<unknown>;
  stop: (signal?: NodeJS.Signals) => Promise<void>;
}

/** A broker that no other test uses. Its clients are told to connect to `advertisedPort`. */
export async function startOwnKafka(name: string, port: number, advertisedPort: number): Promise<OwnKafka> {
  const folder = path.join(dataFolder, name);
  const start = () => withoutAddress('KAFKA_BROKERS', () => startKafka({ dataFolder: folder, port, advertisedPort }));
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  const { brokers } = await start();
  return { brokers, start, stop: (signal) => stopServer('kafka', path.join(folder, 'logs', 'kafka.pid'), signal) };
}

/** A migrated database that no other test uses; returns its URL. */
export async function makeOwnDatabase(name: string): Promise<string> {
  const url = new URL(process.env['DATABASE_URL'] ?? '');
  url.pathname = `/${name}`;
  await ensureDatabase(url.href);
  await run(process.execPath, ['scripts/migrate.mjs'], { env: { ...process.env, DATABASE_URL: url.href } });
  return url.href;
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
