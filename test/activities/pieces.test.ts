/** Long jobs in pieces: a piece that is cut short right after the last of the work still ends the job. */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { dateOf } from '../../values/dates.ts';
import { createNotifier } from '../../messaging/notify.ts';
import { steps } from '../../invoices/lifecycle.ts';
import { type Database, createDatabase, isInfrastructureFailure } from '../../platform/database.ts';
import { testActivities } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { manyDrafts } from '../support/drafts.ts';
import { atMost } from '../support/speed.ts';

let database: Database;
beforeAll(() => {
  database = testDatabase();
});
afterAll(() => database?.$disconnect());
afterEach(() => vi.restoreAllMocks());

it('a billing run is marked as ended by the piece that finalizes its last draft, also when its time is up then', async () => {
  const run = { tenantId: randomUUID(), businessDate: dateOf(new Date().toISOString()) };
  await manyDrafts(database, run.tenantId, 3, run.businessDate);
  const where = { tenantId: run.tenantId };
  await database.billingRun.create({
    data: { ...where, businessDate: new Date(run.businessDate), startedAt: new Date() },
  });
  const environment = new MockActivityEnvironment();
  // The end of the time for a piece, right after its commit.
  const notifier = { ...createNotifier(), notify: () => environment.cancel() };
  const { finalizeDueDrafts } = testActivities(database, { notifier });
  expect(await environment.run(finalizeDueDrafts, run)).toEqual({ finalized: 3, refused: 0, left: 0 });
  expect(await database.billingRun.findFirstOrThrow({ where })).toMatchObject({
    finalized: 3,
    endedAt: expect.any(Date),
  });
});

/** Activities with a bug that stops some drafts, until `vi.restoreAllMocks`. */
function buggyActivities(stops: (id: string) => boolean) {
  const { decide } = steps.finalize;
  vi.spyOn(steps.finalize, 'decide').mockImplementation((next, ...given) => {
    if (stops(next.id)) throw new TypeError('A bug.');
    return decide(next, ...given);
  });
  return testActivities(database);
}

it('a draft that a bug stops is passed over and named, and is finalized when the bug is mended', async () => {
  const run = { tenantId: randomUUID(), businessDate: dateOf(new Date().toISOString()) };
  const [broken = ''] = await manyDrafts(database, run.tenantId, 5, run.businessDate);
  const where = { tenantId: run.tenantId };
  await database.billingRun.create({
    data: { ...where, businessDate: new Date(run.businessDate), startedAt: new Date() },
  });
  const buggy = buggyActivities((id) => id === broken);
  const piece = ({ finalizeDueDrafts }: typeof buggy) => new MockActivityEnvironment().run(finalizeDueDrafts, run);
  expect(await piece(buggy)).toEqual({ finalized: 4, refused: 0, left: 1 });
  await expect(piece(buggy)).rejects.toThrow(`1 cannot be finalized, a bug stops them. The first is invoice ${broken}`);
  expect(await database.billingRun.findFirstOrThrow({ where })).toMatchObject({ finalized: 4, endedAt: null });
  vi.restoreAllMocks();
  expect(await piece(testActivities(database))).toEqual({ finalized: 5, refused: 0, left: 0 });
  const rows = await database.invoice.findMany({ where, orderBy: { number: 'asc' } });
  expect(rows.map(({ number }) => Number(number?.slice(-6)))).toEqual([1, 2, 3, 4, 5]);
});

it('a bug that stops more than ten drafts fails the piece, and those before it are finalized', async () => {
  const run = { tenantId: randomUUID(), businessDate: dateOf(new Date().toISOString()) };
  const ids = await manyDrafts(database, run.tenantId, 20, run.businessDate);
  const where = { tenantId: run.tenantId };
  await database.billingRun.create({
    data: { ...where, businessDate: new Date(run.businessDate), startedAt: new Date() },
  });
  const inOrder = ids.toSorted();
  const { finalizeDueDrafts } = buggyActivities((id) => inOrder.indexOf(id) >= 8);
  await expect(new MockActivityEnvironment().run(finalizeDueDrafts, run)).rejects.toThrow('A bug.');
  expect(await database.billingRun.findFirstOrThrow({ where })).toMatchObject({ finalized: 8, endedAt: null });
});

it('a piece in which no commit could be made fails with the reason, and the next one goes on', async () => {
  const run = { tenantId: randomUUID(), businessDate: dateOf(new Date().toISOString()) };
  const ids = await manyDrafts(database, run.tenantId, 40, run.businessDate);
  await database.billingRun.create({
    data: { tenantId: run.tenantId, businessDate: new Date(run.businessDate), startedAt: new Date() },
  });
  const { DATABASE_URL: url = '' } = process.env;
  const limits = { connectMs: 5_000, waitMs: 5_000, statementMs: 1_400 };
  const hasty = createDatabase({ url, poolMax: 2, applicationName: 'hasty', limits });
  const piece = (on: Database) => new MockActivityEnvironment().run(testActivities(on).finalizeDueDrafts, run);
  await database.$transaction(
    async (tx) => {
      // It stands still for longer than a transaction may.
      await tx.$executeRaw`SET LOCAL idle_in_transaction_session_timeout = 0`;
      await tx.$queryRaw`SELECT FROM invoices WHERE id = ANY(${ids}::uuid[]) FOR UPDATE`;
      await expect(piece(hasty)).rejects.toSatisfy(isInfrastructureFailure);
    },
    { timeout: atMost(60_000), maxWait: atMost(60_000) },
  );
  await hasty.$disconnect();
  expect(await piece(database)).toMatchObject({ finalized: 40, left: 0 });
});
