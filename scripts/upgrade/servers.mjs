/** The servers of a pass as a person looks at them: Postgres with SQL, Kafka, Temporal. Every call has a deadline. */
import { Client, Connection } from '@temporalio/client';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { localPostgresUrl } from '../stack/settings.mjs';

const CONNECT_MS = 10_000;
const CALL_MS = 30_000;
const AT_ONCE = 8;
const NAMESPACE = 'billing';
const METADATA = '__temporal_workflow_metadata';
/** Something new came in while a task ended: the server asks for another task, and nothing is wrong. */
const SOMETHING_NEW_CAME = new Set([1, 31]);

/** Postgres, with a connection for each question: the servers come and go. */
export function createSql(port, atMost) {
  async function connected() {
    const client = new pg.Client({
      connectionString: localPostgresUrl(port),
      connectionTimeoutMillis: atMost(CONNECT_MS),
      query_timeout: atMost(CALL_MS),
    });
    client.on('error', () => {}); // it was killed; the next question tells
    await client.connect();
    return client;
  }

  /** The rows that a query gives. */
  async function rows(query, parameters = []) {
    const client = await connected();
    try {
      return (await client.query(query, parameters)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Locks rows until the returned function is called; whoever wants them has to wait. */
  async function hold(query, parameters) {
    const client = await connected();
    await client.query('BEGIN');
    await client.query(query, parameters);
    return () => client.end().catch(() => {});
  }

  return { rows, hold, count: async (query, parameters) => Number((await rows(query, parameters))[0].count) };
}

/** Kafka: sends what no gateway should, and sets what a topic takes. */
export function createBroker(port, atMost) {
  const kafka = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${port}`],
    connectionTimeout: atMost(CONNECT_MS),
    requestTimeout: atMost(CALL_MS),
    logLevel: kafkajs.logLevel.NOTHING,
  });

  async function send(topic, ...messages) {
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    try {
      await producer.connect();
      await producer.send({ topic, messages });
    } finally {
      await producer.disconnect();
    }
  }

  /** The most bytes of a batch that a topic takes; the broker's own limit when absent. */
  async function limit(topic, bytes) {
    const configEntries = bytes === undefined ? [] : [{ name: 'max.message.bytes', value: String(bytes) }];
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
      });
    } finally {
      await admin.disconnect();
    }
  }

  return { send, limit };
}

/** Temporal, as support staff use it. */
export async function connectTemporal(port, atMost) {
  const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: atMost(CONNECT_MS) });
  const client = new Client({ connection, namespace: NAMESPACE });
  const timely = (work) => client.withDeadline(Date.now() + atMost(CALL_MS), work);
  const handleOf = ({ workflowId, runId }) => client.workflow.getHandle(workflowId, runId);

  const update = (workflowId, name, argument, updateId) =>
    timely(() =>
      handleOf({ workflowId }).executeUpdate(name, {
        args: [argument],
        ...(updateId === undefined ? {} : { updateId }),
      }),
    );

  async function runs(query) {
    const found = [];
    await timely(async () => {
      for await (const { workflowId, runId } of client.workflow.list(query ? { query } : {}))
        found.push({ workflowId, runId });
    });
    return found;
  }

  const describe = (run) => timely(() => handleOf(run).describe());
  const eventsOf = async (run) => (await timely(() => handleOf(run).fetchHistory())).events ?? [];

  /** A run's page: a worker that does not have the run in memory replays its whole history for it. */
  const page = async (run) => (await timely(() => handleOf(run).query(METADATA))).currentDetails ?? '';

  /** The causes of the tasks of a run that have failed since `sinceMs`. */
  const failedTasks = async (run, sinceMs) =>
    (await eventsOf(run))
      .filter(({ eventTime }) => Number(eventTime?.seconds ?? 0) * 1_000 >= sinceMs)
      .map(({ workflowTaskFailedEventAttributes: failed }) => failed)
      .filter((failed) => failed && !SOMETHING_NEW_CAME.has(failed.cause))
      .map(({ cause, failure }) => failure?.message ?? `cause ${cause}`);

  return { update, runs, describe, eventsOf, page, failedTasks, close: () => connection.close() };
}

/** Calls `work` for each item, a few at once; resolves with what it gave, in order. */
export async function each(items, work) {
  const results = Array(items.length);
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
