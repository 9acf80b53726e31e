/**
 * How long single operations take on the store that is there, for its largest tenant: prints a JSON object, operation ->
 * percentiles in ms. Started by scripts/bench.mjs, once for each size of store.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { atConcurrency, percentiles } from './percentiles.ts';

const AT_ONCE = 4;
const COMMANDS = 300;
const READS = 1_500;
const WARM_UP = 40;

const config = readConfig(process.env);
const base = `http://127.0.0.1:${config.PORT}`;
const database = createDatabase({
  url: config.DATABASE_URL,
  poolMax: 1,
  applicationName: 'bench',
  limits: { ...databaseLimits(config), statementMs: 60_000 },
});

const tenantRow = z.object({ tenant_id: z.string() });
const invoiceRow = z.object({
  id: z.string(),
  cashier_id: z.string().nullable(),
  customer_reference: z.string().nullable(),
  number: z.string().nullable(),
});

const [largest] = await queryRows(database, tenantRow)`
  SELECT tenant_id FROM invoices GROUP BY 1 ORDER BY count(*) DESC LIMIT 1`;
const tenantId = largest?.tenant_id ?? '';
const some = await queryRows(database, invoiceRow)`
  SELECT id, cashier_id, customer_reference, number FROM invoices
  WHERE tenant_id = ${tenantId}::uuid AND status = 'paid' AND cashier_id IS NOT NULL ORDER BY id LIMIT ${READS}`;
const one = (n: number) => some[n % some.length];

async function request(method: string, path: string, body?: unknown): Promise<{ id: string }> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', 'X-Tenant-Id': tenantId },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return path === '/metrics' ? { id: '' } : (JSON.parse(text) as { id: string });
}

const samples = new Map<string, number[]>();

async function timed<T>(operation: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const result = await work();
  const ms = performance.now() - from;
  const known = samples.get(operation);
  if (known) known.push(ms);
  else samples.set(operation, [ms]);
  return result;
}

const money = { amount: '1200.00', currency: 'EUR' };

async function lifecycle(): Promise<void> {
  const { id } = await timed('create', () => request('POST', '/v1/invoices', { name: 'Hosting, November', ...money }));
  await timed('finalize', () => request('POST', `/v1/invoices/${id}/finalize`, {}));
  const payment = { ...money, method: 'bank transfer', reference: `PAY-${id}` };
  await timed('pay', () => request('POST', `/v1/invoices/${id}/pay`, payment));
}

const lists: Record<string, (n: number) => string> = {
  list: () => '',
  'list by status': () => 'status=draft',
  'list by currency': () => 'currency=CHF',
  'list by status and currency': () => 'status=paid&currency=USD',
  'list by a currency without any': () => 'currency=XAF',
  'list by customer': (n) => `customerReference=${one(n)?.customer_reference ?? ''}`,
  'list by number': (n) => `number=${one(n)?.number ?? ''}`,
  'list by cashier': (n) => `cashierId=${one(n)?.cashier_id ?? randomUUID()}`,
  'list by due date, none': () => 'dueBefore=2001-01-01',
  'list by due date, many': () => 'dueBefore=2101-01-01',
  'list by status and due date': () => 'status=finalized&dueAfter=2001-01-01',
};

const reads: Record<string, (n: number) => string> = {
  get: (n) => `/v1/invoices/${one(n)?.id}`,
  history: (n) => `/v1/invoices/${one(n)?.id}/history`,
  ...Object.fromEntries(
    Object.entries(lists).map(([name, query]) => [name, (n: number) => `/v1/invoices?${query(n)}`]),
  ),
  'metrics scrape': () => '/metrics',
};

await atConcurrency(AT_ONCE, WARM_UP, lifecycle);
for (const path of Object.values(reads))
  await atConcurrency(AT_ONCE, WARM_UP, async (n) => void (await request('GET', path(n))));
samples.clear();
await atConcurrency(AT_ONCE, COMMANDS, lifecycle);
for (const [name, path] of Object.entries(reads))
  await atConcurrency(AT_ONCE, READS, async (n) => void (await timed(name, () => request('GET', path(n)))));
const acknowledged = await queryRows(database, z.object({ ms: z.number() }))`
  SELECT (extract(epoch FROM published_at - recorded_at) * 1000)::float8 AS ms FROM outbox_events
  WHERE published_at IS NOT NULL AND tenant_id = ${tenantId}::uuid ORDER BY position DESC LIMIT ${COMMANDS}`;
samples.set(
  'commit to ack',
  acknowledged.map(({ ms }) => ms),
);
process.stdout.write(
  `${JSON.stringify(Object.fromEntries([...samples].map(([name, values]) => [name, percentiles(values)])))}\n`,
);
await database.$disconnect();
process.exit();
