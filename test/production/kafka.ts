/** Three brokers that talk TLS and SASL only, and let a user do what its ACLs say. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import kafkajs, { type AclEntry, type Kafka } from 'kafkajs';
import { jars } from '../../scripts/stack/jars.mjs';
import { freePort, portAnswers, run, startServer, stopServer } from '../../scripts/stack/processes.mjs';
import { waitFor } from '../support/wait.ts';
import type { Certificates } from './certificates.ts';

const {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka: KafkaClient,
  ResourcePatternTypes,
  logLevel,
} = kafkajs;

const BROKERS = 3;
const READY_LIMIT_MS = 120_000;

export interface User {
  username: string;
  password: string;
}

export interface SecuredKafka {
  brokers: string;
  /** A client that may do everything. */
  admin: Kafka;
  /** SIGKILL to a broker; and its start, which resolves when all are there again. */
  kill: (node: number) => Promise<void>;
  start: (node: number) => Promise<void>;
  stop: () => Promise<void>;
}

const admin: User = { username: 'admin', password: 'admin-secret' };

/** `users` exist, and may touch nothing yet. */
export async function startSecuredKafka(
  folder: string,
  certificates: Certificates,
  users: readonly User[],
): Promise<SecuredKafka> {
  const ports = await Promise.all(
    Array.from({ length: BROKERS }, async () => ({ own: await freePort(), controller: await freePort() })),
  );
  const pom = fileURLToPath(new URL('../../scripts/stack/kafka-pom.xml', import.meta.url));
  const classPath = await jars({ title: 'Kafka: fetching its jars', name: 'kafka-4.1.0', pom, logFolder: folder });
  if (!classPath) throw new Error('The test needs Java 17 and Maven.');
  const log4j = fileURLToPath(new URL('../../scripts/stack/kafka-log4j2.yaml', import.meta.url));
  const java = ['-Xmx384m', `-Dlog4j2.configurationFile=${log4j}`, '-cp', classPath];
  const voters = ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`).join(',');
  const properties = ports.map((own, index) => writeProperties(folder, index + 1, own, voters, certificates));
  const scram = [admin, ...users].flatMap(({ username, password }) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${username},password=${password}]`,
  ]);
  for (const file of properties)
    await run(
      'java',
      [...java, 'kafka.tools.StorageTool', 'format', '--cluster-id=BillingProductionTest1', '-c', file, ...scram],
      {
        logFile: path.join(folder, 'format.log'),
      },
    );
  const pidFile = (node: number) => path.join(folder, `logs`, `kafka${node}.pid`);
  const start = async (node: number) => {
    const port = ports[node - 1]?.own ?? 0;
    await startServer({
      name: `kafka${node}`,
      folder: path.join(folder, 'logs'),
      command: 'java',
      args: [...java, 'kafka.Kafka', properties[node - 1] ?? ''],
      ports: [{ port, setting: 'KAFKA_PORT' }],
    });
  };
  const nodes = ports.map((_, index) => index + 1);
  for (const node of nodes) await start(node);
  const brokers = ports.map(({ own }) => `localhost:${own}`).join(',');
  const client = new KafkaClient({
    brokers: brokers.split(','),
    ssl: { ca: readFileSync(certificates.ca) },
    sasl: { mechanism: 'scram-sha-512', ...admin },
    logLevel: logLevel.NOTHING,
    retry: { retries: 5 },
  });
  await waitFor('the brokers', () => whenAllAnswer(client), READY_LIMIT_MS);
  return {
    brokers,
    admin: client,
    kill: (node) => stopServer(`kafka${node}`, pidFile(node), 'SIGKILL'),
    start: async (node) => {
      await start(node);
      // One that was killed is listed for some seconds more: its port tells.
      await waitFor('the port', () => portAnswers(ports[node - 1]?.own ?? 0), READY_LIMIT_MS);
      await waitFor('the broker', () => whenAllAnswer(client), READY_LIMIT_MS);
    },
    stop: async () => {
      for (const node of nodes) await stopServer(`kafka${node}`, pidFile(node));
    },
  };
}

async function whenAllAnswer(client: Kafka): Promise<boolean> {
  const asking = client.admin();
  try {
    await asking.connect();
    return (await asking.describeCluster()).brokers.length === BROKERS;
  } finally {
    await asking.disconnect();
  }
}

/** Lets a user make, write and read topics with this prefix, and read with groups of that one. */
export async function allow(client: Kafka, { username }: User, topics: string, groups: string): Promise<void> {
  const { CREATE, DELETE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE } = AclOperationTypes;
  const { GROUP, TOPIC } = AclResourceTypes;
  const entry = (resourceType: number, resourceName: string, operation: number): AclEntry => ({
    principal: `User:${username}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
    resourceType,
    resourceName,
    operation,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
  });
  const asking = client.admin();
  await asking.connect();
  await asking.createAcls({
    acl: [
      ...[CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE].map((operation) => entry(TOPIC, topics, operation)),
      ...[DELETE, DESCRIBE, READ].map((operation) => entry(GROUP, groups, operation)),
    ],
  });
  await asking.disconnect();
}

function writeProperties(
  folder: string,
  node: number,
  { own, controller }: { own: number; controller: number },
  voters: string,
  { ca, both }: Certificates,
): string {
  const file = path.join(folder, `broker-${node}.properties`);
  mkdirSync(folder, { recursive: true });
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': voters,
    listeners: `SASL_SSL://127.0.0.1:${own},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `SASL_SSL://localhost:${own}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'SASL_SSL',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="${admin.username}" password="${admin.password}";`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': both,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // Only controllers come without a name, on a listener of their own.
    'super.users': `User:${admin.username};User:ANONYMOUS`,
    'log.dirs': path.join(folder, `data-${node}`),
    'auto.create.topics.enable': false,
    'default.replication.factor': BROKERS,
    'min.insync.replicas': 2,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': BROKERS,
    'transaction.state.log.replication.factor': BROKERS,
    'transaction.state.log.min.isr': 2,
    'group.initial.rebalance.delay.ms': 0,
  };
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return file;
}
