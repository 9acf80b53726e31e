/** The drill for topics that Kafka has lost: Postgres has the events, and they are sent again as they were. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownTopics, topicsOf } from '../../messaging/cloud-event.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { paymentMessage, startGateway } from '../support/gateway.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { sequencesByStream, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

/** Topics of its own, which nobody else needs. */
const ENVIRONMENT = 'loss';
const tenantId = randomUUID();
let settings: Record<string, string>;
let system: System | undefined;

beforeAll(async () => {
  settings = {
    DATABASE_URL: await makeOwnDatabase('kafka_lost'),
    NODE_ENV: ENVIRONMENT,
    TEMPORAL_NAMESPACE: 'kafka-lost',
  };
});
afterAll(() => system?.stop());

const start = async (): Promise<System> => (system = await startSystem(settings, { consumer: true }));

async function deleteTopics(): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const topics = topicsOf(catalogue, ENVIRONMENT);
  await admin.deleteTopics({ topics });
  await waitFor('the end of the topics', async () => {
    const left = await admin.listTopics();
    return topics.every((topic) => !left.includes(topic)) || undefined;
  });
  await admin.disconnect();
}

it('MSG-08: the topics are lost: every event is sent again as it was, and messages are read again', async () => {
  const first = await start();
  const ann = first.caller(tenantId);
  const paid = await ann.finalized();
  await ann.pay(paid.id);
  const open = await ann.finalized();
  await untilSound(first, [tenantId]);
  const subscriber = await subscribe(ownTopics(catalogue, ENVIRONMENT));
  const count = await first.database.outboxEvent.count();
  const before = await subscriber.waitForEvents(tenantId, count);
  await subscriber.stop();
  await first.stop();

  await deleteTopics();
  const program = path.join(process.env['TEST_DIST'] ?? '', 'bin', 'republish.js');
  const env = { ...process.env, AUTH: 'demo', ...settings };
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
  expect(stdout).toContain(`${count} events of`);

  const second = await start();
  const later = await subscribe(ownTopics(catalogue, ENVIRONMENT));
  const after = await later.waitForEvents(tenantId, count);
  const bare = ({ topic, key, headers, value }: (typeof before)[number]) => ({ topic, key, headers, value });
  const byId = (events: typeof before) => events.toSorted((one, other) => one.id.localeCompare(other.id)).map(bare);
  expect(byId(after)).toEqual(byId(before));
  for (const [stream, sequences] of sequencesByStream(after))
    expect({ stream, sequences }).toEqual({ stream, sequences: sequences.map((_, index) => index + 1) });

  const gateway = await startGateway(second);
  await gateway.sendTo(`${ENVIRONMENT}.billing.public.payments.v1`, paymentMessage(tenantId, open.id));
  await waitFor(
    'the payment',
    async () => (await second.database.invoice.findFirst({ where: { id: open.id, status: 'paid' } })) ?? undefined,
  );
  await untilSound(second, [tenantId]);
  await gateway.stop();
  await later.stop();
});
