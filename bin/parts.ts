/** The parts a process is put together from. Each starts one thing and registers how to stop it. */
import { type Parts, VERSION } from './process.ts';
import { STICKY_TIMEOUT_MS } from '../workflows/contract/common.ts';
import { REPLAY_LIMIT_MS } from '../workflows/contract/dead-letter.ts';
import { createEventSource } from '../platform/kafka-source.ts';
import { createEventSink } from '../platform/kafka-sink.ts';
import type { SendDeps } from '../commands/send-update.ts';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { NIL } from 'uuid';
import { createActivities } from '../activities/index.ts';
import { traceActivity } from '../activities/tracing.ts';
import { createApp } from '../api/app.ts';
import { untilDeadline } from '../api/retry.ts';
import { createApiKeys } from '../access/api-keys.ts';
import { createDeprecatedUses } from '../access/deprecated-use.ts';
import { createLimits } from '../access/limits.ts';
import type { Authentication } from '../api/identity.ts';
import type { LimitSettings } from '../api/limits.ts';
import { openStanding } from '../messaging/standing.ts';
import { createDeliver } from '../messaging/deliver.ts';
import { createHandlers, handledEvents, inspectRecords } from '../registry/handlers.ts';
import { createReceiver } from '../dead-letters/receive.ts';
import { catalogue } from '../registry/catalogue.ts';
import { versionedTopics } from '../registry/event-versions.ts';
import { ownTopics, topicsOf } from '../messaging/cloud-event.ts';
import { createNotifier } from '../messaging/notify.ts';
import { startChecks } from '../operations/metrics/checks.ts';
import { serveMetrics } from '../operations/metrics/server.ts';
import { createReadingGroups } from '../platform/kafka-groups.ts';
import { createCodec } from '../platform/codec.ts';
import { type Config, isProduction } from '../platform/config.ts';
import { CONSUMER_RETRIES, createKafka } from '../platform/kafka.ts';
import { createIssuers } from '../platform/issuers.ts';
import type { Logger } from '../platform/logger.ts';
import type { Shutdown } from '../platform/shutdown.ts';
import { type Temporal, polling } from '../platform/temporal.ts';
import { lookUpCommand } from '../invoices/command-look-up.ts';
import { cheapChecks } from '../operations/verify/cheap.ts';

const KEEP_OPEN_EVERY_MS = 10_000;
const WARM_CONNECTIONS = 4;
const WARM_UP_LIMIT_MS = 60_000;

const nobodys = { tenantId: NIL, key: '', fingerprint: '', invoiceId: NIL, step: '' };

/**
 * Connections are open and both servers have answered before the port opens: who sends the first request is not told
 * 503 because the process is cold. Rejects when a server does not answer.
 */
async function warmUp({ config, database, temporal }: Parts): Promise<void> {
  const connections = Math.min(WARM_CONNECTIONS, config.DATABASE_POOL_MAX);
  await untilDeadline(Date.now() + WARM_UP_LIMIT_MS, () =>
    Promise.all([
      ...Array.from({ length: connections }, () => lookUpCommand(database, nobodys)),
      temporal.client.withDeadline(Date.now() + config.REQUEST_DEADLINE_MS, () =>
        temporal.client.workflowService.describeNamespace({ namespace: temporal.namespace }),
      ),
    ]),
  );
}

/** Longer than the balancers before it keep a connection (60 s): one that is closed here must not be chosen there. */
const KEEP_ALIVE_MS = 75_000;
const CLOSE_IDLE_EVERY_MS = 50;
/** For a request to come in, headers and body. */
const REQUEST_READ_LIMIT_MS = 30_000;

/** The REST API, listening when this resolves. */
export async function startApi(parts: Parts): Promise<AddressInfo> {
  const { config, logger, shutdown, database, metrics } = parts;
  await warmUp(parts);
  const deprecatedUses = createDeprecatedUses(database, logger);
  shutdown.onStop('deprecated uses', () => deprecatedUses.stop());
  const app = createApp({
    database,
    authentication: authenticationOf(parts),
    limits: limitsOf(parts),
    deprecatedUses,
    trustedProxies: config.TRUSTED_PROXIES,
    codec: config.ENCRYPTION_KEYS ? createCodec(config.ENCRYPTION_KEYS) : null,
    codecOrigins: config.CODEC_ORIGINS ?? [],
    send: sendDeps(parts),
    wire: wireSettings(config),
    requestDeadlineMs: config.REQUEST_DEADLINE_MS,
    simulatePayments: !isProduction(config.NODE_ENV),
    logger,
    metrics,
    version: VERSION,
  });
  let stopping = false;
  const server = createServer((request, response) => {
    // A client that keeps its connection busy would keep the server open.
    if (stopping) response.setHeader('Connection', 'close');
    app(request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = REQUEST_READ_LIMIT_MS;
  server.listen(config.PORT, config.HOST);
  await once(server, 'listening');
  shutdown.onStop('api', () => {
    // Requests under way are answered; a connection is closed once it is idle, which one that is answered becomes.
    stopping = true;
    server.close();
    const closing = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
    return once(server, 'close').finally(() => clearInterval(closing));
  });
  const address = server.address() as AddressInfo;
  logger.info({ address: address.address, port: address.port }, 'REST API is listening');
  return address;
}

const limitsOf = ({ config, database, logger }: Parts): LimitSettings => ({
  addressRequestsPerSecond: config.ADDRESS_REQUESTS_PER_SECOND,
  apiProcesses: config.API_PROCESSES,
  limitsOf: createLimits(
    database,
    { requestsPerSecond: config.TENANT_REQUESTS_PER_SECOND, commandsAtOnce: config.TENANT_COMMANDS_AT_ONCE },
    logger,
  ),
});

/** By the setting AUTH. */
function authenticationOf({ config, database, logger, shutdown }: Parts): Authentication {
  const { AUTH: auth, AUTH_ISSUERS: listed } = config;
  if (auth.includes('demo')) return 'demo';
  const issuers = listed ? createIssuers(listed, logger) : null;
  shutdown.onStop('issuers', () => issuers?.close());
  return { issuers, apiKeys: auth.includes('keys') ? createApiKeys(database, logger) : null };
}

export const wireSettings = ({ NODE_ENV, PUBLIC_URL, HOST, PORT }: Config) => ({
  environment: NODE_ENV,
  publicUrl: (PUBLIC_URL ?? `http://${HOST}:${PORT}`).replace(/\/$/, ''),
});

const sendDeps = ({ config, logger, temporal, metrics, limiter }: Parts): SendDeps => ({
  client: temporal.client,
  taskQueue: config.TEMPORAL_TASK_QUEUE,
  limiter,
  logger,
  onResult: metrics.command,
});

/** Metrics of a process without the REST API, when METRICS_PORT is set. */
export async function startMetrics({ config, logger, shutdown, metrics }: Parts): Promise<void> {
  const { HOST: host, METRICS_PORT: port } = config;
  if (port === undefined) return;
  const server = await serveMetrics(metrics, { host, port });
  shutdown.onStop('metrics', () => {
    server.close().closeAllConnections();
    return once(server, 'close');
  });
  logger.info({ host, port }, 'metrics are listening');
}

/**
 * How long one activation of a workflow may take, by the clock on the wall. The SDK's five seconds are reached by a
 * process that was stopped for a moment (a debugger, a snapshot, a laptop that slept); where they strike in the middle
 * of a promise, Node aborts the process (nodejs/node#38503). The option is not in the SDK's types.
 */
const activationLimit = { isolateExecutionTimeout: '5 minutes' } as Partial<WorkerOptions>;

/** A topic that was just made has no leader for a moment. */
const READERS_RETRIES = 5;

/** The worker: workflows, activities and the relays. */
export async function startWorker(parts: Parts): Promise<void> {
  const { config, logger, shutdown, database, temporal, metrics } = parts;
  const sink = createEventSink(createKafka(config, logger), ownTopics(catalogue, config.NODE_ENV), config);
  shutdown.onStop('kafka', () => sink.close());
  const replaySink = createEventSink(createKafka(config, logger), ownTopics(catalogue, config.NODE_ENV), config);
  shutdown.onStop('kafka, replays', () => replaySink.close());
  const stopping = new AbortController();
  const send = sendDeps(parts);
  const worker = await Worker.create({
    connection: temporal.connection,
    namespace: temporal.namespace,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    workflowBundle: { codePath: bundleOf(config) },
    dataConverter: temporal.dataConverter,
    activities: createActivities({
      database,
      logger,
      sink,
      replaySink,
      catalogue,
      openSink: (topic) => createEventSink(createKafka(config, logger), [topic], config),
      notifier: createNotifier(),
      meter: metrics,
      shards: config.OUTBOX_SHARDS,
      wakeupsPerSecond: config.WAKEUPS_PER_SECOND,
      stopping: stopping.signal,
      wire: wireSettings(config),
      overdueAfterMs: config.TEST_OVERDUE_AFTER_MS,
      eventsKeptDays: config.RETENTION_EVENTS_DAYS,
      versions: versionedTopics(config.NODE_ENV),
      readingGroups: createReadingGroups(createKafka(config, logger, { retries: READERS_RETRIES })),
      send,
      deliver: createDeliver(createHandlers({ database, send, deadlineMs: REPLAY_LIMIT_MS }), config.NODE_ENV),
      inspect: inspectRecords(config.NODE_ENV),
    }),
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT_MS,
    maxCachedWorkflows: config.TEMPORAL_MAX_CACHED_WORKFLOWS,
    ...polling,
    interceptors: { activity: [traceActivity] },
    shutdownGraceTime: config.SHUTDOWN_GRACE_MS,
    ...activationLimit,
  });
  const running = worker.run();
  running.catch((error: unknown) => shutdown.fail(error));
  shutdown.onStop('worker', async () => {
    stopping.abort();
    if (worker.getState() === 'RUNNING') worker.shutdown();
    await running.catch(() => undefined);
  });
  keepOpen(temporal, config, logger, shutdown);
  shutdown.onStop('checks', startChecks({ check: () => cheapChecks(database), show: metrics.checked, logger }));
  logger.info({ taskQueue: config.TEMPORAL_TASK_QUEUE }, 'worker is polling');
}

export const CONSUMER_GROUP = 'billing';

/** A record is handed in again before its consumer would count as dead. */
const HANDLE_LIMIT_MS = 15_000;

/** The consumer: what arrives on Kafka from other systems. */
export async function startConsumer(parts: Parts): Promise<void> {
  const { config, logger, shutdown, database, temporal, metrics } = parts;
  const send = sendDeps(parts);
  const kafka = createKafka(config, logger, { retries: CONSUMER_RETRIES });
  const source = createEventSource(kafka, config, {
    groupId: CONSUMER_GROUP,
    topics: topicsOf(handledEvents, config.NODE_ENV),
    handle: createReceiver(
      {
        database,
        logger,
        environment: config.NODE_ENV,
        client: temporal.client,
        taskQueue: config.TEMPORAL_TASK_QUEUE,
        onRecord: metrics.record,
      },
      createHandlers({ database, send, deadlineMs: Math.min(config.REQUEST_DEADLINE_MS, HANDLE_LIMIT_MS) }),
    ),
    logger,
  });
  shutdown.onStop('consumer', () => source.stop());
}

/** The bundle that the build has put beside the compiled service. */
const builtBundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/** Where payloads are encrypted the workflows write their failures in another way: the build makes a bundle for it. */
const bundleOf = ({ WORKFLOW_BUNDLE: given = builtBundle, ENCRYPTION_KEYS: keys }: Config): string =>
  keys ? given.replace(/\.js$/, '-encrypting.js') : given;

/** Relays, retention and pages of versions are always open: one that staff has terminated is started again within seconds. */
function keepOpen({ client }: Temporal, config: Config, logger: Logger, shutdown: Shutdown): void {
  const { TEMPORAL_TASK_QUEUE: taskQueue, OUTBOX_SHARDS: shards, NODE_ENV: environment } = config;
  const topics = versionedTopics(environment).map(({ topic }) => topic);
  const standing = { client, taskQueue, shards, versionedTopics: topics };
  const open = () => openStanding(standing, KEEP_OPEN_EVERY_MS);
  const attempt = () =>
    void open().catch((error: unknown) =>
      logger.warn({ err: error }, 'the workflows that are always open could not be checked'),
    );
  attempt();
  const timer = setInterval(attempt, KEEP_OPEN_EVERY_MS);
  shutdown.onStop('standing workflows', () => clearInterval(timer));
}
