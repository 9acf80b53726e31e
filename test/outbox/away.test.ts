/**
 * MSG-01: what of the broker is away holds up its own streams alone. On a broker on which one topic is missing for a
 * while.
 */
import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { catalogue } from '../../registry/catalogue.ts';
import { ownTopics } from '../../messaging/cloud-event.ts';
import type { EventSink } from '../../messaging/event-sink.ts';
import { type Away, BATCH_EVENTS_MAX, publishPending } from '../../messaging/publish.ts';
import type { Database } from '../../platform/database.ts';
import { createKafka } from '../../platform/kafka.ts';
import { createEventSink } from '../../platform/kafka-sink.ts';
import { createLogger } from '../../platform/logger.ts';
import { freePort } from '../../scripts/stack/processes.mjs';
import { testDatabase } from '../support/database.ts';
import { manyDrafts } from '../support/drafts.ts';
import { type OwnKafka, makeOwnDatabase, startOwnKafka } from '../support/servers.ts';
import { testConfig } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const PUBLIC = 'test.billing.public.invoices.v1';
const INTERNAL = 'test.billing.internal.invoices.v1';
/** More than a page of what waits. */
const DRAFTS = BATCH_EVENTS_MAX + 100;

const logger = createLogger({ level: 'silent', name: 'test' });
const tenantId = randomUUID();
let database: Database;
let broker: OwnKafka;
let admin: Admin;
let sink: EventSink;
beforeAll(async () => {
  database = testDatabase({ url: await makeOwnDatabase('away') });
  const port = await freePort();
  broker = await startOwnKafka('away', port, port);
  const config = await testConfig({ KAFKA_BROKERS: broker.brokers });
  const kafka = createKafka(config, logger);
  // Which makes no topic but these.
  const topics = ownTopics(catalogue, config.NODE_ENV).filter((topic) => topic !== INTERNAL);
  sink = createEventSink(kafka, topics, config);
  admin = kafka.admin();
  await admin.connect();
  await sink.prepare();
});
afterAll(async () => {
  await admin?.disconnect();
  await sink?.close();
  await broker?.stop();
  await database?.$disconnect();
});

const waiting = (topic: string) => database.outboxEvent.count({ where: { topic, publishedAt: null } });

/** As the relay does it. */
async function publishUntil(isSo: () => Promise<boolean>, away: Away): Promise<void> {
  await waitFor('publishing', async () => {
    await publishPending({ database, sink, logger, away }, 0, 1);
    return isSo();
  });
}

it('MSG-01: a topic that is not there keeps no other waiting, however much waits for it', async () => {
  await manyDrafts(database, tenantId, DRAFTS, null);
  const away: Away = new Map();
  await publishUntil(async () => (await waiting(PUBLIC)) === 0, away);
  expect(await waiting(INTERNAL)).toBe(DRAFTS);
  expect([...away.keys()]).toEqual([INTERNAL]);

  // All that waits for the topic lies before these.
  await manyDrafts(database, tenantId, 10, null);
  await publishUntil(async () => (await waiting(PUBLIC)) === 0, away);
  expect(await waiting(INTERNAL)).toBe(DRAFTS + 10);
  expect(await database.stream.count({ where: { blockedBy: { not: null } } })).toBe(0);

  await admin.createTopics({ topics: [{ topic: INTERNAL, numPartitions: 3 }], waitForLeaders: true });
  await publishUntil(async () => (await waiting(INTERNAL)) === 0, new Map());
});

it('MSG-01: a broker that is away is told, and nothing is left alone when it is back', async () => {
  await manyDrafts(database, tenantId, 20, null);
  await broker.stop();
  const away: Away = new Map();
  await expect(publishPending({ database, sink, logger, away }, 0, 1)).rejects.toThrow(/connect|took longer/i);
  expect(away.size).toBe(0);
  await broker.start();
  await publishUntil(async () => (await waiting(PUBLIC)) === 0, away);
});
