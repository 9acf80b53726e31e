/** Kafka through kafkajs: nothing but the files platform/kafka*.ts knows that library. This one is what they share. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type Kafka, type logLevel as LogLevel } from 'kafkajs';
import pTimeout from 'p-timeout';
import type { Config } from './config.ts';
import type { Logger } from './logger.ts';

export type KafkaSettings = Pick<
  Config,
  | 'KAFKA_BROKERS'
  | 'KAFKA_TLS'
  | 'KAFKA_TLS_CERT_FILE'
  | 'KAFKA_TLS_KEY_FILE'
  | 'KAFKA_TLS_CA_FILE'
  | 'KAFKA_SASL_MECHANISM'
  | 'KAFKA_SASL_USERNAME'
  | 'KAFKA_SASL_PASSWORD'
  | 'KAFKA_TOPIC_PARTITIONS'
  | 'KAFKA_TOPIC_REPLICATION'
>;

export const CONNECT_LIMIT_MS = 6_000;
export const REQUEST_LIMIT_MS = 5_000;
export const CLOSE_LIMIT_MS = 2_000;
/** One connection; a client makes up to two of them before it is connected. */
const SOCKET_LIMIT_MS = 3_000;
/** To find out whether a broker is there at all. */
const PROBE_LIMIT_MS = 1_000;
/** kafkajs waits up to half a minute by default: too long after an outage. */
export const RETRY_PAUSE_MAX_MS = 2_000;
/** A coordinator that is still loading says no a few times; see also kafka-source.ts. */
export const CONSUMER_RETRIES = 10;

/** `retries` are kafkajs's own: none for the relay, whose retries are Temporal's. */
export function createKafka(settings: KafkaSettings, logger: Logger, { retries = 0 } = {}): Kafka {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  return new kafkajs.Kafka({
    clientId: 'billing',
    brokers: () => oneThatAnswers(settings.KAFKA_BROKERS),
    connectionTimeout: SOCKET_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    enforceRequestTimeout: true,
    ssl: tlsOf(settings),
    ...(mechanism && username && password ? { sasl: { mechanism: mechanism as 'plain', username, password } } : {}),
    retry: { retries, maxRetryTime: RETRY_PAUSE_MAX_MS },
    logCreator:
      () =>
      ({ level, namespace, log }) => {
        const { message, error } = log;
        logger[levels[level] ?? 'debug']({ kafka: namespace, error }, message);
      },
  });
}

/**
 * Each connection that begins goes to a broker that takes connections, from one chosen by chance on. Left to itself kafkajs
 * begins with the first of the list, and a producer that makes no tries of its own asks no other: while that one is away,
 * a relay whose producer is new after each failure would reach none.
 */
async function oneThatAnswers(brokers: readonly string[]): Promise<string[]> {
  const start = Math.floor(Math.random() * brokers.length);
  const inTurns = [...brokers.slice(start), ...brokers.slice(0, start)];
  if (inTurns.length === 1) return inTurns;
  for (const broker of inTurns) if (await takesConnections(broker)) return [broker];
  return inTurns;
}

const takesConnections = (broker: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname: host, port } = new URL(`kafka://${broker}`);
    const socket = connect({ host, port: Number(port), timeout: PROBE_LIMIT_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });

/** False without TLS. */
function tlsOf({
  KAFKA_TLS: isOn,
  KAFKA_TLS_CERT_FILE: cert,
  KAFKA_TLS_KEY_FILE: key,
  KAFKA_TLS_CA_FILE: ca,
}: KafkaSettings): ConnectionOptions | boolean {
  const files = {
    ...(ca ? { ca: readFileSync(ca) } : {}),
    ...(cert && key ? { cert: readFileSync(cert), key: readFileSync(key) } : {}),
  };
  return Object.keys(files).length > 0 ? files : isOn;
}

// kafkajs says ERROR for what is retried anyway (a coordinator that is still loading): none of it is an error of ours.
const levels: Partial<Record<LogLevel, 'warn' | 'debug'>> = { 1: 'warn', 2: 'warn' };

/** Makes the topics that are missing. Existing ones keep their partitions. */
export async function ensureTopics(kafka: Kafka, topics: readonly string[], settings: KafkaSettings): Promise<void> {
  const admin = kafka.admin();
  try {
    await within(CONNECT_LIMIT_MS, 'connecting to Kafka', admin.connect());
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic));
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: true,
      timeout: REQUEST_LIMIT_MS,
      topics: missing.map((topic) => ({
        topic,
        numPartitions: settings.KAFKA_TOPIC_PARTITIONS,
        replicationFactor: settings.KAFKA_TOPIC_REPLICATION,
      })),
    });
  } finally {
    await within(CLOSE_LIMIT_MS, 'closing the admin client', admin.disconnect()).catch(() => undefined);
  }
}

/** Rejects when `work` takes longer; what becomes of it then nobody hears. */
export const within = <T>(milliseconds: number, what: string, work: Promise<T>): Promise<T> =>
  pTimeout(work, { milliseconds, message: `${what} took longer than ${milliseconds} ms` });
