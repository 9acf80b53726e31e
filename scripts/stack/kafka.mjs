/** Kafka: `KAFKA_BROKERS`, else one broker (KRaft, combined mode) from Maven Central on Java 17. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { jars } from './jars.mjs';
import { SetupError, say, step } from './progress.mjs';
import { READY_LIMIT_MS, freePort, run, startServer, waitUntil } from './processes.mjs';

/**
 * @param {{dataFolder: string, port: number, advertisedPort?: number}} options advertisedPort: where clients are told to
 *   connect, when something stands between them and the broker.
 * @returns {Promise<{brokers: string, running: boolean, stop: () => Promise<void>}>} running is false where neither
 *   a broker nor Java was found: the service works without, its events wait in the outbox.
 */
export async function startKafka({ dataFolder, port, advertisedPort = port }) {
  if (process.env.KAFKA_BROKERS) {
    say('Kafka: the one in KAFKA_BROKERS');
    return { brokers: process.env.KAFKA_BROKERS, running: true, stop: async () => {} };
  }
  const brokers = `127.0.0.1:${advertisedPort}`;
  const logFolder = path.join(dataFolder, 'logs');
  const classPath = await jars({
    title: 'Kafka: fetching its jars, once for this user',
    name: 'kafka-4.1.0',
    pom: fileURLToPath(new URL('kafka-pom.xml', import.meta.url)),
    logFolder,
  });
  if (!classPath) {
    say(
      'Kafka: neither KAFKA_BROKERS nor Java 17 with Maven found. Everything else works; events wait in the outbox until a broker answers.',
    );
    return { brokers, running: false, stop: async () => {} };
  }
  const folder = path.join(dataFolder, 'kafka');
  const properties = await writeProperties(folder, port, advertisedPort);
  const java = [
    '-Xmx512m',
    '-XX:+UseG1GC',
    `-Dlog4j2.configurationFile=${fileURLToPath(new URL('kafka-log4j2.yaml', import.meta.url))}`,
    '-cp',
    classPath,
  ];
  if (!existsSync(path.join(folder, 'log', 'meta.properties'))) {
    await step('Kafka: formatting its data folder', '3 s', () =>
      run(
        'java',
        [
          ...java,
          'kafka.tools.StorageTool',
          'format',
          // One word: an id can begin with a dash.
          `--cluster-id=${clusterId(folder)}`,
          '-c',
          properties,
          '--ignore-formatted',
        ],
        {
          logFile: path.join(logFolder, 'kafka-format.log'),
        },
      ),
    );
  }
  const server = await startServer({
    name: 'kafka',
    folder: logFolder,
    command: 'java',
    args: [...java, 'kafka.Kafka', properties],
    ports: [{ port, setting: 'KAFKA_PORT' }],
  });
  await step('Kafka: starting', '6 s', () => waitUntil('Kafka', READY_LIMIT_MS, () => answers(server, brokers)));
  return { brokers, running: true, ...server };
}

async function answers(server, brokers) {
  server.assertRunning?.();
  const { Kafka, logLevel } = (await import('kafkajs')).default;
  const admin = new Kafka({
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

function clusterId(folder) {
  const file = path.join(folder, 'cluster-id');
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('base64url'));
  return readFileSync(file, 'utf8');
}

/** The controller's port is remembered: the quorum's voter address is part of the formatted data. */
async function writeProperties(folder, port, advertisedPort) {
  mkdirSync(folder, { recursive: true });
  const portFile = path.join(folder, 'controller-port');
  if (!existsSync(portFile)) writeFileSync(portFile, String(await freePort()));
  const controllerPort = readFileSync(portFile, 'utf8').trim();
  if (!/^\d+$/.test(controllerPort))
    throw new SetupError(`${portFile} is damaged; delete ${folder} to start with an empty broker.`);
  const file = path.join(folder, 'server.properties');
  writeFileSync(
    file,
    Object.entries({
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort}`,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': path.join(folder, 'log'),
      'num.partitions': 6,
      'auto.create.topics.enable': false,
      'offsets.topic.num.partitions': 4,
      'offsets.topic.replication.factor': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'share.coordinator.state.topic.replication.factor': 1,
      'share.coordinator.state.topic.min.isr': 1,
      'group.initial.rebalance.delay.ms': 0,
      'log.retention.hours': -1,
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return file;
}
