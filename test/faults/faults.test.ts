/**
 * MSG-01: whatever dies, nothing is lost and nothing is invented. Callers work while things fail in an order that the
 * seed gives; then everything is healed, and the checker must find nothing.
 *
 * `npm test` takes one seed; `npm run test:faults` takes twenty. FAULT_SEED begins with another one.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Config } from '../../platform/config.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import { freePort } from '../../scripts/stack/processes.mjs';
import { type Caller, createCaller } from '../support/caller.ts';
import { type LossyProxy, isCommit, isProduce, startLossyProxy } from '../support/lossy-proxy.ts';
import { type OwnKafka, makeOwnDatabase, startOwnKafka } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { atMost } from '../support/speed.ts';
import { testConfig } from '../support/system.ts';
import { staffOf } from '../support/staff.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';
import { type World, faults, heal } from './faults.ts';
import { type Load, startLoad, untilAnswered } from './load.ts';
import { randomOf } from './random.ts';

const FIRST_SEED = Number(process.env['FAULT_SEED'] ?? 1);
const SEEDS = Number(process.env['FAULT_SEEDS'] ?? 1);
const FAULTS_EACH = Number(process.env['FAULTS_EACH'] ?? 5);
const INVOICES = Number(process.env['FAULT_INVOICES'] ?? 30);
const LIMIT_MS = 10 * 60_000;

let config: Config;
let database: Database;
let temporal: Temporal;
let proxies: Record<'postgres' | 'kafka', LossyProxy>;
let kafka: OwnKafka;
let service: Service;
beforeAll(async () => {
  const url = new URL(await makeOwnDatabase('faults'));
  const brokerPort = await freePort();
  proxies = {
    postgres: await startLossyProxy({ port: await freePort(), targetPort: Number(url.port), isChosen: isCommit }),
    kafka: await startLossyProxy({ port: await freePort(), targetPort: brokerPort, isChosen: isProduce }),
  };
  kafka = await startOwnKafka('faults', brokerPort, proxies.kafka.port);
  config = await testConfig({ DATABASE_URL: url.href, KAFKA_BROKERS: kafka.brokers });
  database = testDatabase({ url: url.href });
  temporal = await connectTemporal(config);
  url.port = String(proxies.postgres.port);
  service = await startService({
    consumer: true,
    settings: { DATABASE_URL: url.href, KAFKA_BROKERS: kafka.brokers },
  });
});
afterAll(async () => {
  await service?.stop();
  await temporal?.connection.close();
  await database?.$disconnect();
  await kafka?.stop();
  await proxies?.postgres.stop();
  await proxies?.kafka.stop();
});

/** Different faults, in an order that the seed gives. */
function someFaults({ below }: World['random']): string[] {
  const names = Object.keys(faults);
  return Array.from({ length: FAULTS_EACH }, () => names.splice(below(names.length), 1)).flat();
}

it.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))(
  'MSG-01, MSG-02, MSG-03: seed %i: faults under load, and then nothing is missing, twice or out of order',
  async (seed) => {
    const random = randomOf(seed);
    const tenantId = randomUUID();
    const load = startLoad(service.url, tenantId, INVOICES, random);
    const world: World = { service, temporal, database, kafka, proxies, tenantId, random, ids: load.ids };
    const chosen = someFaults(random);
    await waitFor('the first invoices', async () => load.ids.length > 2);
    for (const name of chosen) await faults[name]?.(world);
    await heal(world);
    await load.done;
    await untilQuiet(tenantId);
    await untilOpen(tenantId);
    console.info(
      `seed ${seed}: ${chosen.join(', ')}: ${load.answered.length} commands answered, ${load.repeats()} sent again, ` +
        `so far ${proxies.postgres.lost()} answers to COMMIT and ${proxies.kafka.lost()} of Kafka lost`,
    );
    await untilSound({ config, database, temporal }, [tenantId]);
    expect(await otherAnswers(createCaller(service.url, tenantId), load)).toEqual([]);
    // What fails for infrastructure's sake is neither an error of ours nor of the message.
    expect(load.answered.filter(({ answer }) => answer.status >= 500)).toEqual([]);
    expect(await database.deadLetter.count({ where: { tenantId, reason: 'internal_error' } })).toBe(0);
    const invoices = await database.invoice.findMany({ where: { tenantId }, include: { payments: true } });
    expect(invoices.length).toBe(load.ids.length);
    // Money and status agree: paid if and only if there is one payment, of the whole amount.
    for (const { id, status, amountMinor, payments } of invoices) {
      const paid = payments.map((payment) => payment.amountMinor);
      expect(paid, id).toEqual(status === 'paid' ? [amountMinor] : []);
    }
  },
  atMost(LIMIT_MS),
);

/** Nothing waits to be published or to be woken, and every payment message was handled. */
const untilQuiet = (tenantId: string) =>
  waitFor(
    'quiet',
    async () => {
      const unpublished = await database.outboxEvent.count({ where: { tenantId, publishedAt: null } });
      const announced = await database.outboxEvent.findMany({
        where: { tenantId, type: 'billing.payment.received.v1' },
        select: { id: true, partitionKey: true },
      });
      const kept = await database.deadLetter.findMany({ where: { tenantId }, select: { eventId: true } });
      const waiting = announced.filter(({ id }) => !kept.some(({ eventId }) => eventId === id));
      const paid = await database.payment.findMany({ where: { tenantId }, select: { invoiceId: true } });
      return (
        unpublished === 0 &&
        waiting.every(({ partitionKey }) => paid.some(({ invoiceId }) => partitionKey.endsWith(invoiceId)))
      );
    },
    LIMIT_MS / 2,
  );

/** What staff have terminated is back: every invoice that has a timer has its workflow. */
const untilOpen = (tenantId: string) =>
  waitFor(
    'the workflows',
    async () => {
      const timed = await database.invoice.findMany({ where: { tenantId, nextTimerAt: { not: null } } });
      const statuses = await Promise.all(
        timed.map(({ id }) => staffOf(temporal.client, temporal.namespace, tenantId, id).status()),
      );
      return statuses.every((status) => status === 'RUNNING');
    },
    LIMIT_MS / 2,
  );

/** What was answered once is answered again, whatever has happened since (INV-03): those that are not. */
async function otherAnswers(caller: Caller, { answered }: Load): Promise<unknown[]> {
  const others: unknown[] = [];
  for (const { answer, ...command } of answered.filter((one) => one.answer.status < 300)) {
    const again = await untilAnswered(caller, command, () => undefined);
    const same = isDeepStrictEqual(again.body, answer.body) && again.headers.get('Idempotency-Replayed') === 'true';
    if (!same) others.push({ command, answer: answer.body, again: again.body });
  }
  return others;
}
