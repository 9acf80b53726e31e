/**
 * Fills a database with a believable store of any size: a few lives are lived through the service's own transaction,
 * and copied by SQL. A copy has its own tenant, ids, number and days; its audit chain is hashed anew, so `verify`
 * accepts it. Nothing of it is in Temporal or Kafka.
 */
import { randomUUID } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { carryOutCashierCommand } from '../cashiers/commands.ts';
import { newAttemptId } from '../commands/key.ts';
import { carryOut } from '../commands/transaction.ts';
import { commandOf } from '../invoices/commands.ts';
import { type Action, type StepCommand, isTimedStep } from '../invoices/lifecycle.ts';
import { SLOTS } from '../commands/outbox.ts';
import type { WireSettings } from '../messaging/cloud-event.ts';
import type { Database } from '../platform/database.ts';
import { addDays, dateOf } from '../values/dates.ts';

export interface StoreSize {
  invoices: number;
  /** The first has a third of the invoices, the last hardly any. */
  tenants: number;
}

/** An invoice's life, and the copies of it. Days are before (or after) today. */
interface Life {
  /** Parts of a hundred. */
  share: number;
  dueDay: number;
  steps: readonly { action: Action; day: number; body?: object }[];
  /** Copies are moved back by 0 to so many days. */
  earlierDays: number;
  withCashier?: true;
}

const lives: readonly Life[] = [
  { share: 6, dueDay: 40, steps: [{ action: 'create', day: -5 }], earlierDays: 30 },
  {
    share: 10,
    dueDay: 25,
    steps: [
      { action: 'create', day: -5 },
      { action: 'finalize', day: -4 },
    ],
    earlierDays: 20,
    withCashier: true,
  },
  {
    share: 4,
    dueDay: -8,
    steps: [
      { action: 'create', day: -40 },
      { action: 'finalize', day: -38 },
      { action: 'cancel', day: -30, body: { reason: 'Ordered twice' } },
    ],
    earlierDays: 400,
  },
  {
    share: 55,
    dueDay: -12,
    steps: [
      { action: 'create', day: -40 },
      { action: 'update', day: -39, body: { name: 'Hosting and mail, November' } },
      { action: 'finalize', day: -38 },
      { action: 'pay', day: -20 },
    ],
    earlierDays: 400,
  },
  {
    share: 25,
    dueDay: -22,
    steps: [
      { action: 'create', day: -60 },
      { action: 'update', day: -55, body: { name: 'Hosting and backups, November' } },
      { action: 'finalize', day: -50 },
      { action: 'overdue', day: -21 },
      { action: 'remind', day: -21, body: { number: 2 } },
      { action: 'pay', day: -10 },
    ],
    earlierDays: 400,
    withCashier: true,
  },
];

/** Steps at 08:00, so that up to ten hours later it is still the same day; what time brings comes at midnight. */
const at = (day: number, minute = 0): string =>
  `${addDays(dateOf(new Date().toISOString()), day)}T${minute < 0 ? '00:00:00.000' : `08:0${minute}:00.001`}Z`;

const CURRENCIES = ['EUR', 'USD', 'CHF'];

const FILL_LIMIT_MS = 60 * 60_000;

const customerOf = (invoiceId: string): string => `C-${invoiceId.slice(0, 5)}`;

interface Lived {
  tenantId: string;
  invoiceId: string;
  cashierId: string;
  dueDate: string;
}

/** Lives one life through the service's own transaction, under ids that occur nowhere else. */
async function live(database: Database, wire: WireSettings, life: Life, currency: string): Promise<Lived> {
  const lived = {
    tenantId: randomUUID(),
    invoiceId: randomUUID(),
    cashierId: randomUUID(),
    dueDate: addDays(dateOf(new Date().toISOString()), life.dueDay),
  };
  const deps = { database, wire, notify: () => undefined };
  const { tenantId, invoiceId, cashierId, dueDate } = lived;
  const head = (action: string, acceptedAt: string) => ({
    tenantId,
    key: `store:${action}:${action === 'cashier' ? cashierId : invoiceId}`,
    fingerprint: 'store',
    attemptId: newAttemptId(),
    acceptedAt,
    actor: 'ann',
    expectedVersion: null,
  });
  const cashier = { name: 'Front desk', email: `${cashierId}@example.com`, currencies: [] };
  const made = await carryOutCashierCommand(deps, {
    ...head('cashier', at(-500)),
    cashierId,
    step: 'create',
    body: cashier,
  } as unknown as Parameters<typeof carryOutCashierCommand>[1]);
  if (made.kind !== 'done') throw new Error(`A cashier was not made: ${JSON.stringify(made)}`);
  const money = { amountMinor: 120_000, currency };
  const bodies: Partial<Record<Action, object>> = {
    create: {
      name: 'Hosting, November',
      ...money,
      customerReference: customerOf(invoiceId),
      dueDate,
      cashierId: life.withCashier ? cashierId : null,
    },
    pay: { ...money, method: 'bank transfer', reference: `PAY-${invoiceId}`, receivedAt: null },
  };
  for (const [minute, { action, day, body = bodies[action] ?? {} }] of life.steps.entries()) {
    const acceptedAt = at(day, isTimedStep(action) ? -1 : minute);
    const command = { ...head(action, acceptedAt), invoiceId, body } as unknown as StepCommand;
    const [outcome] = await carryOut(deps, commandOf(action, { overdueAfterMs: undefined }), [command]);
    if (outcome?.kind !== 'done') throw new Error(`${action} was not carried out: ${JSON.stringify(outcome)}`);
  }
  await database.$executeRaw`
    UPDATE outbox_events SET published_at = clock_timestamp() WHERE tenant_id = ${tenantId}::uuid`;
  await database.$executeRaw`
    UPDATE streams SET last_published = last_sequence WHERE split_part(stream, '|', 2) = ${tenantId}`;
  return lived;
}

/** A column of a row that was lived, its value as text. */
interface Column {
  name: string;
  type: string;
  value: string | null;
}
type Row = readonly Column[];

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

interface Found {
  rows: readonly Record<string, unknown>[];
  types: readonly { name: string; type: string }[];
}

async function readTable(database: Database, table: string, where: string, order = '1'): Promise<Row[]> {
  const [{ types, rows }] = (await database.$queryRawUnsafe(`
    SELECT (SELECT jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod)) ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0 AND NOT attisdropped) AS types,
      (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY ${order}), '[]') FROM ${table} t WHERE ${where}) AS rows`)) as [
    Found,
  ];
  return rows.map((row) => types.map(({ name, type }) => ({ name, type, value: textOf(row[name], type) })));
}

/** Instants in the form in which they stand within texts. */
function textOf(value: unknown, type: string): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return type.startsWith('timestamp') ? new Date(text).toISOString() : text;
}

/** What differs from copy to copy, by how it stands in what was lived: expressions over `plan`. */
type Tokens = ReadonlyMap<string, string>;

const INSTANT = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

/** Midnights move by whole days, as what follows from a due date does; all else also within its day. */
const instantExpression = (instant: string): string =>
  `to_char(${quoted(instant)}::timestamptz AT TIME ZONE 'UTC' - plan.earlier${instant.endsWith('T00:00:00.000Z') ? '' : ' + plan.jitter'}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The text of a copy, as an expression. */
function expressionOf(text: string, tokens: Tokens): string {
  const known = [...tokens.keys()].toSorted((one, other) => other.length - one.length);
  const pieces = text.split(new RegExp(`(${[INSTANT, ...known].join('|')})`));
  const terms = pieces.flatMap((piece, index) => {
    if (index % 2 === 0) return piece === '' ? [] : [quoted(piece)];
    return [tokens.get(piece) ?? instantExpression(piece)];
  });
  return terms.length === 0 ? quoted('') : terms.join(' || ');
}

const valueOf = (row: Row, column: string): string => row.find(({ name }) => name === column)?.value ?? '';

type TableRows = readonly [table: string, rows: Row[]];

/** All rows of an invoice or a cashier. */
async function rowsOf(database: Database, tenantId: string, id: string): Promise<TableRows[]> {
  const ofTenant = `tenant_id = '${tenantId}'`;
  const key = `${tenantId}|${id}`;
  const where: Record<string, string> = {
    invoices: `${ofTenant} AND id = '${id}'`,
    cashiers: `${ofTenant} AND id = '${id}'`,
    payments: `${ofTenant} AND invoice_id = '${id}'`,
    cashier_payments: `${ofTenant} AND invoice_id = '${id}'`,
    commands: `${ofTenant} AND entity_id = '${id}'`,
    audit_entries: `${ofTenant} AND entity_id = '${id}'`,
    streams: `stream LIKE '%|${key}'`,
    outbox_events: `partition_key = '${key}'`,
  };
  const order: Record<string, string> = { audit_entries: 'sequence', outbox_events: 'position' };
  const read: TableRows[] = [];
  for (const [table, condition] of Object.entries(where))
    read.push([table, await readTable(database, table, condition, order[table])]);
  return read;
}

/** Hashes each entry of a copy after the one before it; h1, h2 ... are the hashes. */
function chainOf(entries: readonly Row[], tokens: Tokens): { lateral: string; tokens: Tokens } {
  const all = new Map(tokens);
  const laterals = entries.map((entry, index) => {
    const members = Object.fromEntries(
      entry
        .filter(({ name }) => name !== 'hash' && name !== 'previous_hash')
        .map(({ name, type, value }) => [name, type === 'integer' ? Number(value) : value]),
    );
    const text = expressionOf(`${valueOf(entry, 'previous_hash')}${stringify(members)}`, all);
    all.set(valueOf(entry, 'hash'), `h${index + 1}`);
    return `, LATERAL (SELECT encode(sha256(convert_to(${text}, 'UTF8')), 'hex') AS h${index + 1}) AS hash${index + 1}`;
  });
  return { lateral: laterals.join(''), tokens: all };
}

/** An id of a row's own; every copy of one row of `plan` has the same. */
const derivedId = (name: string): string => `md5(plan.id || '${name}')::uuid::text`;

/** As commands/outbox.ts takes it. */
const slotExpression = (key: string): string =>
  `('x' || left(encode(sha256(convert_to(${key}, 'UTF8')), 'hex'), 8))::bit(32)::bigint % ${SLOTS}`;

const HASHED = new Set(['audit_entries', 'invoices', 'cashiers']);

/** The statements that copy what was lived to every row of `from`, which is called `plan`. */
function copies(from: string, lived: readonly TableRows[], given: Tokens): string[] {
  const ids = lived.flatMap(([table, rows]) =>
    table === 'payments' || table === 'outbox_events' ? rows.map((row) => valueOf(row, 'id')) : [],
  );
  const known = new Map([...given, ...ids.map((id, n): [string, string] => [id, derivedId(`id${n}`)])]);
  const entries = lived.find(([table]) => table === 'audit_entries')?.[1] ?? [];
  const { lateral, tokens } = chainOf(entries, known);
  const copied = (row: Row, { name, type, value }: Column): string => {
    if (value === null) return 'NULL';
    if (name === 'slot') return slotExpression(expressionOf(valueOf(row, 'partition_key'), tokens));
    return `(${expressionOf(value, tokens)})::${type}`;
  };
  return lived.flatMap(([table, rows]) =>
    rows.map((row) => {
      const columns = row.filter(({ name }) => name !== 'position');
      return `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')})
        SELECT ${columns.map((column) => copied(row, column)).join(', ')}
        FROM ${from} AS plan${HASHED.has(table) ? lateral : ''}`;
    }),
  );
}

/** A life that was lived, and where it stands among the copies. */
interface Model extends Life, Lived {
  share: number;
  number: string | null;
  finalizedAt: Date | null;
}

async function liveAll(database: Database, wire: WireSettings): Promise<Model[]> {
  const models: Model[] = [];
  for (const life of lives) {
    for (const [n, currency] of CURRENCIES.entries()) {
      const lived = await live(database, wire, life, currency);
      const { number, finalizedAt } = await database.invoice.findFirstOrThrow({ where: { id: lived.invoiceId } });
      models.push({ ...life, ...lived, share: life.share * (n === 0 ? 8 : 1), number, finalizedAt });
    }
  }
  return models;
}

/** Which invoices there will be: of which tenant and model, moved by how much, with which number. */
function planStatements({ invoices, tenants }: StoreSize, models: readonly Model[]): string[] {
  const shares = models.map(({ share }) => share);
  const all = shares.reduce((sum, share) => sum + share, 0);
  const rows = models.map(({ earlierDays, finalizedAt }, n) => {
    const upTo = shares.slice(0, n + 1).reduce((sum, share) => sum + share, 0) / all;
    return `(${n}, ${upTo}, ${earlierDays}, ${finalizedAt ? quoted(finalizedAt.toISOString()) : 'NULL'}::timestamptz)`;
  });
  const salt = randomUUID();
  const idOf = (what: string) => `md5('${what} ' || n || '${salt}')::uuid::text`;
  return [
    `CREATE UNLOGGED TABLE store_tenants AS
       SELECT n, ${idOf('tenant')} AS tenant_id, ${idOf('cashier')} AS cashier_id
       FROM generate_series(0, ${tenants - 1}) AS n`,
    `CREATE UNLOGGED TABLE store_plan AS
       WITH models(model, up_to, earlier_days, finalized_at) AS (VALUES ${rows.join(', ')}),
       drawn AS MATERIALIZED (
         SELECT n, floor(${tenants} * power(random(), 6))::int AS tenant, random() AS draw, random() AS back,
           floor(random() * 36000000) * interval '1 millisecond' AS jitter
         FROM generate_series(1, ${invoices}) AS n),
       moved AS (
         SELECT drawn.*, model, finalized_at, floor(back * (earlier_days + 1))::int * interval '1 day' AS earlier
         FROM drawn JOIN LATERAL (SELECT * FROM models WHERE draw < up_to ORDER BY up_to LIMIT 1) AS models ON TRUE),
       dated AS (
         SELECT *, extract(year FROM (finalized_at - earlier) AT TIME ZONE 'UTC')::int AS year FROM moved),
       placed AS (
         SELECT *, row_number() OVER (PARTITION BY tenant, year ORDER BY n) AS place FROM dated)
       SELECT placed.n, ${idOf('invoice').replace(' || n ||', ' || placed.n ||')} AS id, tenant_id, cashier_id, model,
         earlier, jitter, year, place,
         'INV-' || year || '-' || lpad(place::text, greatest(6, length(place::text)), '0') AS number
       FROM placed JOIN store_tenants ON store_tenants.n = tenant`,
    'CREATE INDEX ON store_plan (model)',
    `INSERT INTO invoice_numbers (tenant_id, year, last_number)
       SELECT tenant_id::uuid, year, max(place) FROM store_plan WHERE year IS NOT NULL GROUP BY 1, 2`,
  ];
}

async function copiesOfInvoice(database: Database, model: Model, n: number): Promise<string[]> {
  const { tenantId, cashierId, invoiceId, dueDate, number } = model;
  const tokens = new Map([
    [tenantId, 'plan.tenant_id'],
    [cashierId, 'plan.cashier_id'],
    [invoiceId, 'plan.id'],
    [customerOf(invoiceId), `'C-' || left(plan.id, 5)`],
    [dueDate, `to_char(${quoted(dueDate)}::date - plan.earlier, 'YYYY-MM-DD')`],
    ...(number === null ? [] : [[number, 'plan.number'] as const]),
  ]);
  return copies(
    `(SELECT * FROM store_plan WHERE model = ${n} ORDER BY n)`,
    await rowsOf(database, tenantId, invoiceId),
    tokens,
  );
}

/** Every tenant has one cashier. */
async function copiesOfCashier(database: Database, { tenantId, cashierId }: Model): Promise<string[]> {
  const plan = `(SELECT *, cashier_id AS id, interval '0' AS earlier, interval '0' AS jitter FROM store_tenants)`;
  const tokens = new Map([
    [tenantId, 'plan.tenant_id'],
    [cashierId, 'plan.cashier_id'],
  ]);
  return copies(plan, await rowsOf(database, tenantId, cashierId), tokens);
}

/**
 * Fills a database, which is best one of its own: Postgres checks no foreign key meanwhile. Its statements take up to
 * minutes.
 */
export async function fillStore(database: Database, wire: WireSettings, size: StoreSize): Promise<void> {
  const run = (statements: readonly string[]): Promise<void> =>
    database.$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe('SET LOCAL session_replication_role = replica');
        for (const statement of statements) await tx.$executeRawUnsafe(statement);
      },
      { timeout: FILL_LIMIT_MS },
    );
  const models = await liveAll(database, wire);
  await run(planStatements(size, models));
  const [first] = models;
  if (first) await run(await copiesOfCashier(database, first));
  for (const [n, model] of models.entries()) await run(await copiesOfInvoice(database, model, n));
  await run(['DROP TABLE store_plan, store_tenants']);
  await database.$executeRawUnsafe('VACUUM ANALYZE');
}
