/**
 * Lifecycles (create, finalize, pay) over REST at several concurrencies, with their events acknowledged by Kafka: how
 * many a second, how long a caller waits, and what each costs; and the floor of the same run. Started by
 * scripts/bench.mjs, which brings the servers and the service.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { invoiceWorkflowId } from '../workflows/contract/invoice.ts';
import { type Statement, countStatements, countedStatements, cpuEach, cpuSoFar, memoryOf } from './account.ts';
import type { Floor } from './floor.ts';
import { runFloor } from './floor-process.ts';
import { historyOf } from './history.ts';
import { atConcurrency, percentiles } from './percentiles.ts';
import { type Measured, type Result, compared, reported } from './report.ts';
import { readTask } from './task.ts';

const WARM_UP = 60;
const ACK_LIMIT_MS = 60_000;
const ACK_POLL_MS = 25;

const task = readTask();
const { plan, processes, threadsFolder, resultFile, compareWith } = task;
const config = readConfig(process.env);
const base = `http://127.0.0.1:${config.PORT}/v1/invoices`;
const database = createDatabase({
  url: config.DATABASE_URL,
  poolMax: 1,
  applicationName: 'bench',
  limits: databaseLimits(config),
});
const { connection, client } = await connectTemporal(config);

type Timings = Record<'create' | 'finalize' | 'pay', number[]>;

async function post(url: string, tenantId: string, body: unknown): Promise<{ id: string; status: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': tenantId },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as { id: string; status: string };
}

async function lifecycle(tenantId: string, timings: Timings, ids: string[]): Promise<void> {
  const timed = async <T>(step: keyof Timings, work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work();
    timings[step].push(performance.now() - from);
    return result;
  };
  const money = { amount: '1200.00', currency: 'EUR' };
  const { id } = await timed('create', () => post(base, tenantId, { name: 'Hosting, November', ...money }));
  await timed('finalize', () => post(`${base}/${id}/finalize`, tenantId, {}));
  await timed('pay', () =>
    post(`${base}/${id}/pay`, tenantId, { ...money, method: 'bank transfer', reference: `PAY-${id}` }),
  );
  ids.push(id);
}

const waitingRow = z.object({ waiting: z.boolean() });
const acknowledgedRow = z.object({ ms: z.number() });

/** Waits until everything is acknowledged. */
async function untilAcknowledged(tenantId: string): Promise<void> {
  const deadline = Date.now() + ACK_LIMIT_MS;
  for (;;) {
    const [row] = await queryRows(database, waitingRow)`
      SELECT /* bench */ EXISTS (
        SELECT FROM outbox_events WHERE tenant_id = ${tenantId}::uuid AND published_at IS NULL) AS waiting`;
    if (row?.waiting === false) return;
    if (Date.now() > deadline) throw new Error('Events are not acknowledged.');
    await pause(ACK_POLL_MS);
  }
}

/** From each commit to its acknowledgement, in ms. */
async function acknowledgements(tenantId: string): Promise<number[]> {
  const rows = await queryRows(database, acknowledgedRow)`
    SELECT /* bench */ (extract(epoch FROM published_at - recorded_at) * 1000)::float8 AS ms
    FROM outbox_events WHERE tenant_id = ${tenantId}::uuid`;
  return rows.map(({ ms }) => ms);
}

const clientCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function measure(concurrency: string, count: number, floor: Floor): Promise<[Measured, Statement[]]> {
  const tenantId = randomUUID();
  const timings: Timings = { create: [], finalize: [], pay: [] };
  const ids: string[] = [];
  const isCounted = await countStatements(database);
  const before = { ...cpuSoFar(processes, threadsFolder), client: clientCpuMs() };
  const from = performance.now();
  let halfway: number | undefined;
  await atConcurrency(Number(concurrency), count, async (n) => {
    if (n === Math.ceil(count / 2)) halfway = memoryOf(processes);
    await lifecycle(tenantId, timings, ids);
  });
  const answered = count / ((performance.now() - from) / 1000);
  await untilAcknowledged(tenantId);
  const rate = count / ((performance.now() - from) / 1000);
  const cpuMs = cpuEach(before, { ...cpuSoFar(processes, threadsFolder), client: clientCpuMs() }, count);
  const statements = isCounted ? await countedStatements(database, count) : [];
  const { create, finalize, pay } = timings;
  const measured: Measured = {
    rate,
    answered,
    ratio: rate / floor.rate,
    latencyMs: {
      'any command': percentiles([...create, ...finalize, ...pay]),
      create: percentiles(create),
      finalize: percentiles(finalize),
      pay: percentiles(pay),
      'commit to ack': percentiles(await acknowledgements(tenantId)),
    },
    cpuMs,
    memoryMb: { halfway, end: memoryOf(processes) },
    ...(isCounted ? { statements: statements.reduce((sum, { calls }) => sum + calls, 0) } : {}),
    history: await historyOf(
      client,
      ids.map((id) => invoiceWorkflowId(tenantId, id)),
    ),
    floor,
  };
  return [measured, statements];
}

const floors = await runFloor(task);
await atConcurrency(8, WARM_UP, () => lifecycle(randomUUID(), { create: [], finalize: [], pay: [] }, []));
const result: Result = { runs: {}, statements: {} };
for (const [concurrency, count] of Object.entries(plan)) {
  const floor = floors.runs[concurrency];
  if (!floor) throw new TypeError(`The floor has nothing of concurrency ${concurrency}.`);
  const [measured, statements] = await measure(concurrency, count, floor);
  result.runs[concurrency] = measured;
  result.statements[concurrency] = statements;
  process.stdout.write(reported(concurrency, measured));
}
writeFileSync(resultFile, `${JSON.stringify(result, null, 2)}\n`);
if (compareWith !== undefined)
  process.stdout.write(compared(JSON.parse(readFileSync(compareWith, 'utf8')) as Result, result));
await database.$disconnect();
await connection.close();
process.exit();
