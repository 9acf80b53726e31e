/**
 * A billing run over many drafts, in real processes, while the worker is killed three times.
 *
 * `npm test` takes four hundred; `npm run test:billing-run` takes 10,000 and prints what it measured.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { atConcurrency } from '../../bench/percentiles.ts';
import { dateOf } from '../../values/dates.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { createCaller } from '../support/caller.ts';
import { manyDrafts } from '../support/drafts.ts';
import { type Service, startService } from '../support/service.ts';
import { atMost } from '../support/speed.ts';
import { type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const DRAFTS = Number(process.env['BILLING_RUN_DRAFTS'] ?? 400);
const SINGLES = 60;
const CALLERS = 16;
const WORKER_KILLS = 3;
/** Of a large run. A small one is over before the killed workers have come back: the machine alone says how fast. */
const RATIO_MIN = 10;
const LIMIT_MS = 20 * 60_000;

let database: Database;
let service: Service;
let subscriber: Subscriber;
/** Of the run's rate to that of single commands. */
let ratio = 0;
beforeAll(async () => {
  database = testDatabase();
  service = await startService();
  subscriber = await subscribe();
});
afterAll(async () => {
  await subscriber?.stop();
  await service?.stop();
  await database?.$disconnect();
});

const seconds = (since: number) => (performance.now() - since) / 1000;

it(
  'INV-21: every draft that is due gets its number, once, in order, though the worker is killed three times',
  async () => {
    const today = dateOf(new Date().toISOString());
    const tenantId = randomUUID();
    const caller = createCaller(service.url, tenantId);
    const ids = await manyDrafts(database, tenantId, DRAFTS, today);
    const [later = ''] = await manyDrafts(database, tenantId, 1, '2099-12-31');
    const [undated = ''] = await manyDrafts(database, tenantId, 1, null);
    await untilPublished(tenantId);
    const singleRate = await rateOfSingleCommands(today);

    const startedAt = performance.now();
    const asked = await caller.request('POST', '/v1/billing-runs', { body: { businessDate: today } });
    expect(asked.status).toBe(202);
    const read = async () =>
      (await caller.request<{ status: string; finalized: number; refused: number }>('GET', `/v1/billing-runs/${today}`))
        .body;
    for (let kill = 1; kill <= WORKER_KILLS; kill += 1) {
      const part = Math.floor((DRAFTS * kill) / (WORKER_KILLS + 1));
      await waitFor('progress', async () => (await read()).finalized >= part, LIMIT_MS);
      await service.replaceWorker();
    }
    await waitFor('the end of the run', async () => (await read()).status === 'completed', LIMIT_MS);
    const commitSeconds = seconds(startedAt);
    expect(await read()).toMatchObject({ finalized: DRAFTS, refused: 0 });
    await untilPublished(tenantId);
    const publishSeconds = seconds(startedAt);

    const rows = await database.invoice.findMany({ where: { tenantId }, orderBy: { number: 'asc' } });
    const numbers = rows.flatMap(({ number }) => (number === null ? [] : [Number(number.slice(-6))]));
    expect(numbers).toEqual(Array.from({ length: DRAFTS }, (_, index) => index + 1));
    for (const id of [later, undated]) expect(rows.find((row) => row.id === id)?.status).toBe('draft');

    const events = await subscriber.waitForEvents(tenantId, DRAFTS * 3 + 4, LIMIT_MS);
    const finalized = events.filter(({ type }) => type === 'billing.invoice.finalized.v1');
    expect(finalized.length).toBe(DRAFTS);
    expect(new Set(finalized.map(({ key }) => key.split('|')[1]))).toEqual(new Set(ids));
    for (const [stream, sequences] of sequencesByStream(events))
      expect(sequences, stream).toEqual(sequences.map((_, index) => index + 1));

    await waitFor(
      'the wake-ups',
      async () => (await database.workflowWakeup.count({ where: { tenantId } })) === 0,
      LIMIT_MS,
    );
    const wakeSeconds = seconds(startedAt) - commitSeconds;
    const runRate = DRAFTS / commitSeconds;
    ratio = runRate / singleRate;
    console.info(
      [
        `${DRAFTS} drafts, ${WORKER_KILLS} workers killed:`,
        `committed in ${commitSeconds.toFixed(1)} s (${runRate.toFixed(0)}/s),`,
        `published ${publishSeconds.toFixed(1)} s after the start,`,
        `workflows woken ${wakeSeconds.toFixed(1)} s after the commit (${(DRAFTS / wakeSeconds).toFixed(0)}/s);`,
        `single finalize commands by ${CALLERS} callers: ${singleRate.toFixed(1)}/s, ratio ${ratio.toFixed(1)}`,
      ].join(' '),
    );
  },
  atMost(LIMIT_MS),
);

it.runIf(DRAFTS >= 10_000)('INV-21: a large run commits many times as fast as single commands', () =>
  expect(ratio).toBeGreaterThanOrEqual(RATIO_MIN),
);

const untilPublished = (tenantId: string) =>
  waitFor(
    'publishing',
    async () => (await database.outboxEvent.count({ where: { tenantId, publishedAt: null } })) === 0,
    LIMIT_MS,
  );

/** Finalize commands over REST per second, as many callers at once as the benchmark has. */
async function rateOfSingleCommands(dueDate: string): Promise<number> {
  const tenantId = randomUUID();
  const caller = createCaller(service.url, tenantId);
  const ids = await manyDrafts(database, tenantId, SINGLES, dueDate);
  const took = await atConcurrency(CALLERS, SINGLES, async (n) => {
    expect((await caller.step(ids[n - 1] ?? '', 'finalize')).status).toBe(200);
  });
  return SINGLES / took;
}
