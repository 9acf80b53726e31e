/**
 * A billing run, and the waking of its workflows, beside their floors of the same run: single finalize commands, the
 * same rows written by plain SQL, and workflows that are started by a signal. Started by scripts/bench.mjs.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { dateOf } from '../values/dates.ts';
import { type Cpu, cpuEach, cpuSoFar, memoryOf } from './account.ts';
import { draftMany } from './drafts.ts';
import { runFloor } from './floor-process.ts';
import { atConcurrency } from './percentiles.ts';
import { plainSqlRate } from './plain-sql.ts';
import { readTask } from './task.ts';

const CALLERS = 16;
const SINGLES = 200;
const POLL_MS = 20;
const LIMIT_MS = 30 * 60_000;

const task = readTask();
const { processes, threadsFolder, bulk = 0 } = task;
const config = readConfig(process.env);
const base = `http://127.0.0.1:${config.PORT}/v1`;
const wire = { environment: config.NODE_ENV, publicUrl: config.PUBLIC_URL ?? 'http://localhost' };
const database = createDatabase({
  url: config.DATABASE_URL,
  poolMax: 2,
  applicationName: 'bench',
  limits: { ...databaseLimits(config), waitMs: 10_000, statementMs: 60_000 },
});
const { connection, client } = await connectTemporal(config);
const today = dateOf(new Date().toISOString());

async function request<T>(method: string, path: string, tenantId: string, body?: unknown): Promise<T> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': tenantId },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('It takes too long.');
    await pause(POLL_MS);
  }
}

const leftRow = z.object({ left: z.bigint() });

async function waitingEvents(tenantId: string): Promise<number> {
  const [row] = await queryRows(database, leftRow)`
    SELECT count(*) AS "left" FROM outbox_events WHERE tenant_id = ${tenantId}::uuid AND published_at IS NULL`;
  return Number(row?.left);
}

const draftsOf = (tenantId: string, count: number) => draftMany(database, wire, { tenantId, count, dueDate: today });
const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Finalize commands a second over REST. */
async function singleRate(): Promise<number> {
  const tenantId = randomUUID();
  const ids = await draftsOf(tenantId, SINGLES * 2);
  const finalize = (n: number) => request('POST', `/invoices/${ids[n - 1]}/finalize`, tenantId, {});
  await atConcurrency(CALLERS, SINGLES, async (n) => void (await finalize(n)));
  return SINGLES / (await atConcurrency(CALLERS, SINGLES, async (n) => void (await finalize(n + SINGLES))));
}

interface Run {
  tenantId: string;
  cpuMs: Cpu;
  committed: number;
  published: number;
}

async function billingRun(): Promise<Run> {
  const tenantId = randomUUID();
  await draftsOf(tenantId, bulk);
  await until(async () => (await waitingEvents(tenantId)) === 0);
  const cpuBefore = cpuSoFar(processes, threadsFolder);
  const from = performance.now();
  await request('POST', '/billing-runs', tenantId, { businessDate: today });
  const isDone = async () =>
    (await request<{ status: string }>('GET', `/billing-runs/${today}`, tenantId)).status === 'completed';
  await until(isDone);
  const committed = bulk / seconds(from);
  await until(async () => (await waitingEvents(tenantId)) === 0);
  const published = bulk / seconds(from);
  return { tenantId, committed, published, cpuMs: cpuEach(cpuBefore, cpuSoFar(processes, threadsFolder), bulk) };
}

/** Workflows a second that learn of what a run did, from now on; and what one costs. */
async function wake(tenantId: string) {
  const left = () => database.workflowWakeup.count({ where: { tenantId } });
  const count = await left();
  const cpuBefore = cpuSoFar(processes, threadsFolder);
  const from = performance.now();
  await until(async () => (await left()) === 0);
  // Temporal's lists are asked for at the end alone: that costs it as much as a wake-up.
  const query = `BillingTenant = '${tenantId}' AND InvoiceStatus = 'finalized'`;
  await until(async () => (await client.workflow.count(query)).count >= bulk);
  const took = seconds(from);
  return { count, rate: count / took, cpuMs: cpuEach(cpuBefore, cpuSoFar(processes, threadsFolder), count) };
}

const single = await singleRate();
const run = await billingRun();
const woken = await wake(run.tenantId);
const memoryMb = memoryOf(processes);
const plain = await plainSqlRate(database, run.tenantId);
const floor = (await runFloor(task)).wakeups;
const ratio = (value: number, to: number) => (value / to).toFixed(2);
process.stdout.write(
  [
    `billing run of ${bulk}: ${run.committed.toFixed(0)}/s committed, ${run.published.toFixed(0)}/s published`,
    `    CPU ms each: ${JSON.stringify(run.cpuMs, rounded)}`,
    `    single finalize commands, ${CALLERS} callers: ${single.toFixed(1)}/s, ratio ${ratio(run.committed, single)}`,
    `    the same rows by plain SQL: ${plain.toFixed(0)}/s, ratio ${ratio(run.committed, plain)}`,
    `waking ${woken.count} workflows: ${woken.rate.toFixed(1)}/s`,
    `    CPU ms each: ${JSON.stringify(woken.cpuMs, rounded)}`,
    `    memory of the service then: ${memoryMb?.toFixed(0)} MB, with ${config.TEMPORAL_MAX_CACHED_WORKFLOWS} workflows cached at most`,
    ...(floor
      ? [
          `    floor: ${floor.rate.toFixed(1)}/s, ratio ${ratio(woken.rate, floor.rate)}`,
          `    its CPU ms each: ${JSON.stringify(floor.cpuMs, rounded)}`,
        ]
      : []),
    '',
  ].join('\n'),
);
await database.$disconnect();
await connection.close();
process.exit();

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
