/**
 * MSG-01: Kafka is away while callers work: none of them notices, and the backlog drains in order.
 *
 * `npm test` takes it away for seconds; `npm run test:kafka-away` for ten minutes, and compares how long callers
 * waited.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { atConcurrency, percentiles } from '../../bench/percentiles.ts';
import type { Database } from '../../platform/database.ts';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import { testDatabase } from '../support/database.ts';
import { type Caller, createCaller, paymentOf } from '../support/caller.ts';
import { servers } from '../support/servers.ts';
import { type Service, startService } from '../support/service.ts';
import { atMost } from '../support/speed.ts';
import { testConfig } from '../support/system.ts';
import { untilSound } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

const AWAY_MS = Number(process.env['KAFKA_AWAY_MS'] ?? 8_000);
const NORMAL_MS = Math.min(60_000, AWAY_MS / 2);
/** A p95 of a few seconds says little: one pause of the machine makes it. */
const SLOWER_MAX = AWAY_MS >= 60_000 ? 2 : 10;
const WARM_UP = 40;
const CALLERS_AT_CAPACITY = 8;
const LIMIT_MS = AWAY_MS + 10 * 60_000;

let database: Database;
let temporal: Temporal;
let service: Service;
let ann: Caller;
beforeAll(async () => {
  database = testDatabase();
  temporal = await connectTemporal(await testConfig());
  service = await startService();
  ann = createCaller(service.url, randomUUID());
});
afterAll(async () => {
  await service?.stop();
  await temporal?.connection.close();
  await database?.$disconnect();
});

/** A lifecycle; fails the test unless each command is carried out at once. */
async function lifecycle(ms: number[]): Promise<void> {
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const answer = await work();
    ms.push(performance.now() - from);
    return answer;
  };
  const { id } = await timed(() => ann.draft());
  expect((await timed(() => ann.step(id, 'finalize'))).status).toBe(200);
  expect((await timed(() => ann.step(id, 'pay', { body: paymentOf() }))).status).toBe(200);
}

/** Lifecycles at a steady rate, whether or not the ones before have ended; resolves with the time of each command. */
async function loadFor(forMs: number, perSecond: number): Promise<number[]> {
  const ms: number[] = [];
  const under: Promise<void>[] = [];
  const from = performance.now();
  for (let n = 0; performance.now() - from < forMs; n += 1) {
    under.push(lifecycle(ms));
    await pause(Math.max(0, from + ((n + 1) * 1000) / perSecond - performance.now()));
  }
  await Promise.all(under);
  return ms;
}

it(
  'MSG-01, MSG-02: Kafka away under load: no caller sees it, and what has piled up is published in order',
  async () => {
    const unpublished = () => database.outboxEvent.count({ where: { tenantId: ann.tenantId, publishedAt: null } });
    await atConcurrency(CALLERS_AT_CAPACITY, WARM_UP, () => lifecycle([]));
    const capacity = WARM_UP / (await atConcurrency(CALLERS_AT_CAPACITY, WARM_UP, () => lifecycle([])));
    const normal = percentiles(await loadFor(NORMAL_MS, capacity / 2));
    await servers.stopKafka();
    const commands = await loadFor(AWAY_MS, capacity / 2);
    const away = percentiles(commands);
    const backlog = await unpublished();
    expect(backlog).toBeGreaterThanOrEqual(commands.length);
    await servers.startKafka();
    await waitFor('the first of them', async () => (await unpublished()) < backlog, 60_000);
    const from = performance.now();
    await waitFor('the last of them', async () => (await unpublished()) === 0, LIMIT_MS);
    const seconds = (performance.now() - from) / 1000;
    console.info(
      `capacity ${capacity.toFixed(1)} lifecycles/s; at half of it p95 ${normal.p95.toFixed(0)} ms, without Kafka ` +
        `${away.p95.toFixed(0)} ms (${commands.length} commands); ${backlog} events drained in ${seconds.toFixed(1)} s`,
    );
    expect(away.p95).toBeLessThanOrEqual(SLOWER_MAX * normal.p95);
    const config = await testConfig();
    await untilSound({ config, database, temporal }, [ann.tenantId]);
  },
  atMost(LIMIT_MS),
);
