/**
 * Lifecycles (create, finalize, pay) over REST at several concurrencies, with their events acknowledged by Kafka, and
 * the floor of the same run. Started by scripts/bench.mjs, which brings the servers and the service.
 */
import { invoiceWorkflowId } from '../workflows/contract/invoice.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { connectTemporal } from '../platform/temporal.ts';
import { atConcurrency, percentiles } from './percentiles.ts';

/** Lifecycles a concurrency; another plan may be given as a JSON argument. */
const PLAN = JSON.parse(process.argv[2] ?? '{ "1": 150, "16": 600, "64": 600 }') as Record<string, number>;
const WARM_UP = 60;
const ACK_LIMIT_MS = 60_000;

const config = readConfig(process.env);
const base = `http://127.0.0.1:${config.PORT}/v1/invoices`;
const database = createDatabase({
  url: config.DATABASE_URL,
  poolMax: 4,
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

/** Waits until everything is acknowledged; returns the seconds from each commit to its acknowledgement, in ms. */
async function acknowledgements(tenantId: string): Promise<number[]> {
  const deadline = Date.now() + ACK_LIMIT_MS;
  while ((await database.outboxEvent.count({ where: { tenantId, publishedAt: null } })) > 0) {
    if (Date.now() > deadline) throw new Error('Events are not acknowledged.');
    await pause(10);
  }
  const rows = await database.$queryRaw<{ ms: number }[]>`
    SELECT (extract(epoch FROM published_at - recorded_at) * 1000)::float8 AS ms
    FROM outbox_events WHERE tenant_id = ${tenantId}::uuid`;
  return rows.map(({ ms }) => ms);
}

async function historyEvents(tenantId: string, ids: readonly string[]): Promise<number> {
  const lengths = await Promise.all(
    ids
      .slice(0, 20)
      .map(async (id) => (await client.workflow.getHandle(invoiceWorkflowId(tenantId, id)).describe()).historyLength),
  );
  return lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
}

const runFile = promisify(execFile);
const floor = async (): Promise<Record<string, number>> => {
  const { stdout } = await runFile(process.execPath, [
    fileURLToPath(new URL('floor.js', import.meta.url)),
    JSON.stringify(PLAN),
  ]);
  // The SDK logs to standard output too; the result is the last line.
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
};

const ms = (value: number) => value.toFixed(1).padStart(7);
const line = (name: string, samples: readonly number[]) => {
  const { p50, p95, p99 } = percentiles(samples);
  return `    ${name.padEnd(16)} p50 ${ms(p50)} ms   p95 ${ms(p95)} ms   p99 ${ms(p99)} ms`;
};

const floors = await floor();
await atConcurrency(8, WARM_UP, () => lifecycle(randomUUID(), { create: [], finalize: [], pay: [] }, []));
for (const [concurrency, count] of Object.entries(PLAN)) {
  const tenantId = randomUUID();
  const timings: Timings = { create: [], finalize: [], pay: [] };
  const ids: string[] = [];
  const from = performance.now();
  await atConcurrency(Number(concurrency), count, () => lifecycle(tenantId, timings, ids));
  const answered = count / ((performance.now() - from) / 1000);
  const acknowledged = await acknowledgements(tenantId);
  const rate = count / ((performance.now() - from) / 1000);
  const floorRate = floors[concurrency] ?? Number.NaN;
  const all = [...timings.create, ...timings.finalize, ...timings.pay];
  process.stdout.write(
    [
      `concurrency ${concurrency}: ${rate.toFixed(1)} lifecycles/s with every event acknowledged (${answered.toFixed(1)} answered), floor ${floorRate.toFixed(1)}, ratio ${(rate / floorRate).toFixed(2)}, ${(await historyEvents(tenantId, ids)).toFixed(1)} history events a lifecycle`,
      line('any command', all),
      line('create', timings.create),
      line('finalize', timings.finalize),
      line('pay', timings.pay),
      line('commit to ack', acknowledged),
      '',
    ].join('\n'),
  );
}
await database.$disconnect();
await connection.close();
process.exit();
