/**
 * A migration of subscribers from one version of the events to the next, on the running service: opened over a store of
 * old events and under load, read by a group that is cut over in the middle, deprecated and closed, while the worker is
 * killed at each stage. `npm run test:migration` takes 10,000 old events.
 */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillStore } from '../../bench/store.ts';
import { type Database, createDatabase } from '../../platform/database.ts';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import type { Config } from '../../platform/config.ts';
import { eventVersionWorkflowId } from '../../workflows/contract/event-version.ts';
import { testWire } from '../support/activities.ts';
import { type Caller, createCaller, paymentOf } from '../support/caller.ts';
import { testDatabase, testLimits } from '../support/database.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { atMost } from '../support/speed.ts';
import { staffAt } from '../support/staff.ts';
import { testConfig } from '../support/system.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

const EVENTS = Number(process.env['MIGRATION_EVENTS'] ?? 1_000);
const EVENTS_EACH = 4.5;
const CALLERS = 4;
const LIMIT_MS = atMost(600_000 + EVENTS * 20);
const STEP_LIMIT_MS = 120_000 + EVENTS * 5;

/** Topics of its own. */
const ENVIRONMENT = 'migration';
const V1 = `${ENVIRONMENT}.billing.public.invoices.v1`;
const V2 = `${ENVIRONMENT}.billing.public.invoices.v2`;

let settings: Record<string, string>;
let service: Service;
let database: Database;
let temporal: Temporal;
let config: Config;
let ann: Caller;
let kafka: kafkajs.Kafka;
let admin: kafkajs.Admin;

beforeAll(async () => {
  const url = await makeOwnDatabase('event_versions');
  const filling = createDatabase({
    url,
    poolMax: 4,
    applicationName: 'fill',
    limits: { ...testLimits, statementMs: LIMIT_MS },
  });
  const invoices = Math.ceil(EVENTS / EVENTS_EACH);
  await fillStore(filling, { ...testWire, environment: ENVIRONMENT }, { invoices, tenants: 3 });
  // The store says of its events that they are on Kafka; here they are to be sent.
  await filling.$executeRaw`UPDATE outbox_events SET published_at = NULL`;
  await filling.$executeRaw`UPDATE streams SET last_published = 0`;
  await filling.$disconnect();
  settings = { DATABASE_URL: url, NODE_ENV: ENVIRONMENT, TEMPORAL_NAMESPACE: 'event-versions' };
  config = await testConfig(settings);
  service = await startService({ settings });
  temporal = await connectTemporal(config);
  database = testDatabase({ url });
  ann = createCaller(service.url, randomUUID());
  kafka = new kafkajs.Kafka({
    brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 20 },
  });
  admin = kafka.admin();
  await admin.connect();
}, LIMIT_MS);
afterAll(async () => {
  await service?.stop();
  await admin?.disconnect();
  await temporal?.connection.close();
  await database?.$disconnect();
});

interface Told {
  key: string;
  sequence: number;
  fact: string;
  id: string;
}

/** A subscriber of one group: applies an event when it is the next of its key, whatever version tells it. */
function createSubscriber(applied: Map<string, Told[]>) {
  return async (topic: string, groupId: string) => {
    const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, rebalanceTimeout: 6_000 });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message: { key, headers = {} } }) => {
        const id = String(headers['ce_id']);
        const told = {
          key: String(key),
          sequence: Number(String(headers['ce_sequence'])),
          fact: headers['ce_factid'] === undefined ? id : String(headers['ce_factid']),
          id,
        };
        const own = applied.get(told.key) ?? [];
        applied.set(told.key, own);
        const last = own.at(-1)?.sequence ?? 0;
        if (told.sequence <= last) return;
        expect(told.sequence, `the next of ${told.key}`).toBe(last + 1);
        own.push(told);
      },
    });
    return consumer;
  };
}

/** Callers who draft, finalize and pay until they are stopped. */
function startCalling() {
  const over = new AbortController();
  const calling = Array.from({ length: CALLERS }, async () => {
    while (!over.signal.aborted) {
      const { id } = await ann.finalized();
      expect((await ann.pay(id, paymentOf())).status).toBe(200);
    }
  });
  return async () => {
    over.abort();
    await Promise.all(calling);
  };
}

interface Version {
  stage: string;
  filledAt: string | null;
  readers: { groupId: string; state: string; lag: string }[];
}
const versionOf = async (topic: string): Promise<Version> =>
  (await ann.request<Version>('GET', `/v1/event-versions/${topic}`)).body;
const decide = (topic: string, action: string, body: object) =>
  ann.request<{ code?: string; stage?: string; readers?: string[] }>('POST', `/v1/event-versions/${topic}/${action}`, {
    body,
  });

/** What the monitor says of a group after its next looks; they are made to be due. */
const untilReader = (topic: string, groupId: string, state: string) =>
  waitFor(
    `${groupId} to be ${state}`,
    async () => {
      await database.$executeRaw`UPDATE event_version_looks SET looked_at = now() - interval '2 minutes'`;
      const { readers } = await versionOf(topic);
      return readers.find((reader) => reader.groupId === groupId)?.state === state;
    },
    STEP_LIMIT_MS,
  );

const untilQuiet = () =>
  waitFor(
    'everything to be published',
    async () => (await database.outboxEvent.count({ where: { publishedAt: null } })) === 0,
    STEP_LIMIT_MS,
  );

async function soundness() {
  const tenants = await database.$queryRaw<{ tenant_id: string }[]>`SELECT DISTINCT tenant_id FROM invoices`;
  await untilSound({ config, database, temporal }, [
    ...tenants.map((row) => row.tenant_id),
    '00000000-0000-0000-0000-000000000000',
  ]);
}

/** Sequences and facts of each key, as the outbox has them. */
async function storedIn(topic: string): Promise<Map<string, string[]>> {
  const rows = await database.$queryRaw<{ key: string; facts: string[] }[]>`
    SELECT partition_key AS key, array_agg(sequence || ' ' || coalesce(
      headers::jsonb ->> 'ce_factid', headers::jsonb ->> 'ce_id') ORDER BY sequence) AS facts
    FROM outbox_events WHERE topic = ${topic} GROUP BY partition_key`;
  return new Map(rows.map(({ key, facts }) => [key, facts]));
}

it(
  'MSG-09: v2 is opened, read, and takes the place of v1; nothing is lost or doubled, and a worker is killed at each stage',
  async () => {
    const applied = new Map<string, Told[]>();
    const subscribe = createSubscriber(applied);
    const page = staffAt(temporal.client, temporal.namespace, eventVersionWorkflowId(V1));
    await waitFor('the topics', async () => {
      const topics = await admin.listTopics();
      return [V1, V2].every((topic) => topics.includes(topic));
    });
    const old = await subscribe(V1, 'warehouse');
    await untilReader(V1, 'warehouse', 'moving');
    expect(await versionOf(V2)).toMatchObject({ stage: 'planned', readers: [] });
    expect((await decide(V1, 'close', { reason: 'too early' })).body).toMatchObject({ code: 'event_version_stage' });
    expect((await decide(V1, 'deprecate', { reason: 'too early', sunset: '2020-01-31' })).body).toMatchObject({
      code: 'event_version_not_replaced',
    });

    // Opened under load, and the worker dies while it fills.
    const stopCalling = startCalling();
    expect((await decide(V2, 'open', { reason: 'The warehouse needs amountOpen' })).body.stage).toBe('open');
    await waitFor(
      'the first events of v2',
      () => database.outboxEvent.findFirst({ where: { topic: V2 } }),
      STEP_LIMIT_MS,
    );
    await service.replaceWorker();
    await waitFor('v2 to have everything', async () => (await versionOf(V2)).filledAt, STEP_LIMIT_MS);
    await service.replaceWorker();

    // Cut over in the middle: the same inbox goes on with v2, from its beginning.
    await waitFor('half of v1 to be read', async () => applied.size > EVENTS / EVENTS_EACH / 2, STEP_LIMIT_MS);
    await old.disconnect();
    const current = await subscribe(V2, 'warehouse-2');
    await waitFor('more calls', async () => (await database.invoice.count({ where: { tenantId: ann.tenantId } })) >= 8);
    await stopCalling();
    await untilQuiet();
    const [first, second] = [await storedIn(V1), await storedIn(V2)];
    expect(second).toEqual(first);
    await waitFor(
      'the subscriber to have read everything',
      async () => [...second].every(([key, facts]) => applied.get(key)?.length === facts.length),
      STEP_LIMIT_MS,
    );
    for (const [key, facts] of second)
      expect(applied.get(key)?.map(({ sequence, fact }) => `${sequence} ${fact}`)).toEqual(facts);
    await soundness();
    await untilReader(V2, 'warehouse-2', 'moving');
    await untilReader(V1, 'warehouse', 'idle');

    // Deprecated: each event says until when.
    expect(await page.update('deprecate', { actor: 'eve', reason: 'v2 tells more', sunset: '2020-01-31' })).toContain(
      'deprecated',
    );
    await service.replaceWorker();
    const { id } = await ann.draft();
    const told = await waitFor('its event', () =>
      database.outboxEvent.findFirst({ where: { topic: V1, stream: { endsWith: id } } }),
    );
    expect(JSON.parse(told.headers)).toMatchObject({ ce_sunset: '2020-01-31' });
    await untilQuiet();
    await soundness();
    const details = await waitFor('the page to tell it', async () => {
      const shown = await page.details();
      return shown.includes('Deprecated') && shown.includes('warehouse') ? shown : undefined;
    });
    expect(details).toContain('`close`');
    for (const path of ['/docs/events', '/asyncapi.json'])
      await waitFor(`${path} to tell it`, async () =>
        (await (await fetch(`${service.url}${path}`)).text()).includes('Published through 2020-01-31'),
      );

    // Closing is refused while somebody was seen, then allowed.
    const refused = await decide(V1, 'close', { reason: 'Nobody needs it' });
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'event_version_in_use', readers: ['warehouse'] });
    await expect(page.update('close', { actor: 'eve', reason: 'Nobody needs it' })).rejects.toThrow(
      'Workflow Update failed',
    );
    await admin.deleteGroups(['warehouse']);
    await untilReader(V1, 'warehouse', 'gone');
    await database.$executeRaw`
      UPDATE event_version_readers SET last_seen_at = now() - interval '15 days' WHERE topic = ${V1}`;
    expect((await decide(V1, 'close', { reason: 'Nobody needs it' })).body).toMatchObject({
      code: 'event_version_in_use',
      readers: [],
    });
    await database.$executeRaw`
      UPDATE event_version_looks SET first_looked_at = now() - interval '15 days' WHERE topic = ${V1}`;
    expect((await decide(V1, 'close', { reason: 'Nobody needs it' })).body.stage).toBe('closed');
    await service.replaceWorker();
    const before = await storedIn(V1);
    expect((await ann.step(id, 'finalize')).status).toBe(200);
    await untilQuiet();
    expect(await storedIn(V1)).toEqual(before);
    const key = `${ann.tenantId}|${id}`;
    expect((await storedIn(V2)).get(key)?.map((fact) => fact.split(' ')[0])).toEqual(['1', '2']);
    await waitFor('the subscriber to have read it', async () => applied.get(key)?.length === 2, STEP_LIMIT_MS);
    await soundness();
    await current.disconnect();
  },
  LIMIT_MS,
);
