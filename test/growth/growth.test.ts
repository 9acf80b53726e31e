/**
 * However large the store is, no statement that a caller, an invoice or a relay waits for reads much more than it
 * gives, and a list is whole: on a store whose largest tenant has a third of the invoices.
 *
 * `npm test` takes some thousand invoices; `npm run test:growth` takes a million.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillStore } from '../../bench/store.ts';
import { finalizeChunk } from '../../billing-runs/run.ts';
import { listCashiers } from '../../cashiers/list.ts';
import { cashierPayments } from '../../cashiers/payments.ts';
import { newAttemptId } from '../../commands/key.ts';
import { createLimiter } from '../../commands/limiter.ts';
import { lookUpCommand } from '../../invoices/command-look-up.ts';
import { invoiceById } from '../../invoices/by-id.ts';
import { invoiceHistory } from '../../invoices/history.ts';
import { withoutUndefined } from '../../invoices/fields.ts';
import { type Action, type Invoice, type StepCommand, definitionOf } from '../../invoices/lifecycle.ts';
import { type InvoicePage, type ListPosition, listInvoices } from '../../invoices/list.ts';
import type { ListInvoices } from '../../invoices/schemas.ts';
import { outboxBacklog } from '../../messaging/backlog.ts';
import { publishPending } from '../../messaging/publish.ts';
import { audit } from '../../operations/verify/audit.ts';
import { commands } from '../../operations/verify/commands.ts';
import { invoices } from '../../operations/verify/invoices.ts';
import { numbers } from '../../operations/verify/numbers.ts';
import { streams } from '../../operations/verify/streams.ts';
import { verify } from '../../operations/verify/verify.ts';
import { type Database, createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { addDays, dateOf } from '../../values/dates.ts';
import { noParts, testActivities, testWire } from '../support/activities.ts';
import { testLimits } from '../support/database.ts';
import { type ExplainedDatabase, explainedDatabase } from '../support/plans.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { atMost } from '../support/speed.ts';

const INVOICES = Number(process.env['GROWTH_INVOICES'] ?? 12_000);
/** A million takes ten minutes on a good day. */
const FILL_LIMIT_MS = atMost(120_000 + INVOICES * 2);
const TENANTS_VERIFIED = 40;
/** Rows read for each that is given. */
const FACTOR = 10;
/** What may be read for nothing: the look whether few invoices are due goes so far. */
const READ_MAX = 1_100;

const logger = createLogger({ level: 'silent', name: 'test' });
/** Large enough for several pieces of a search, small enough to be read whole again and again. */
const MIDDLING = 6_000;

type Filter = Omit<ListInvoices, 'cursor' | 'limit'>;

let explained: ExplainedDatabase;
let database: Database;
let tenantId: string;
/** One of each status, of the largest tenant. */
let one: Record<string, Invoice>;
const today = dateOf(new Date().toISOString());

beforeAll(async () => {
  const url = await makeOwnDatabase('growth');
  const filling = createDatabase({
    url,
    poolMax: 4,
    applicationName: 'fill',
    limits: { ...testLimits, statementMs: FILL_LIMIT_MS },
  });
  await fillStore(filling, testWire, { invoices: INVOICES, tenants: Math.ceil(INVOICES / 1_000) });
  await filling.$disconnect();
  explained = explainedDatabase(url);
  database = explained.database;
  const [largest] = await database.invoice.groupBy({
    by: ['tenantId'],
    _count: true,
    orderBy: { _count: { id: 'desc' } },
    take: 1,
  });
  tenantId = largest?.tenantId ?? '';
  const rows = await Promise.all(
    ['draft', 'finalized', 'paid'].map(async (status) => {
      const { id } = await database.invoice.findFirstOrThrow({
        where: { tenantId, status, cashierId: status === 'draft' ? null : { not: null } },
      });
      return [status, await invoiceById(database, tenantId, id)];
    }),
  );
  one = Object.fromEntries(rows) as typeof one;
}, FILL_LIMIT_MS);
afterAll(() => database?.$disconnect());

it(
  'the store is sound, so what is measured on it is what a real one costs',
  async () => {
    // Of a million, some tenants: all of them take long.
    const tenants = (await database.invoiceNumber.findMany({ distinct: ['tenantId'], take: TENANTS_VERIFIED })).map(
      (row) => row.tenantId,
    );
    const world = { database, environment: 'test', shards: 1, tenants } as unknown as Parameters<typeof verify>[0];
    const reports = await verify(world, { checks: [streams, invoices, audit, numbers, commands], graceMs: 0 });
    for (const { name, findings, failure } of reports)
      expect({ name, findings: findings.slice(0, 5), failure }).toEqual({ name, findings: [], failure: undefined });
  },
  FILL_LIMIT_MS,
);

const command = (action: Action, invoiceId: string, body: object = {}) =>
  ({
    tenantId,
    invoiceId,
    key: `rest:${randomUUID()}`,
    fingerprint: 'f',
    attemptId: newAttemptId(),
    acceptedAt: new Date().toISOString(),
    actor: 'ann',
    expectedVersion: null,
    body,
  }) as unknown as StepCommand;

async function carryOut(action: Action, invoiceId: string, body: object = {}): Promise<void> {
  const activities = testActivities(database);
  await activities[definitionOf(action).activity](command(action, invoiceId, body) as never);
}

const money = { amountMinor: 120_000, currency: 'EUR' };
const draftOf = { name: 'Hosting', ...money, customerReference: 'C-1', dueDate: null, cashierId: null };
const payment = () => ({ ...money, method: 'card', reference: randomUUID(), receivedAt: null });
const list = (filter: object) => listInvoices(database, tenantId, { limit: 50, ...filter }, null);

/** The next page of a list, from a place in its middle. */
async function deepInTheList(filter: object): Promise<void> {
  const { createdAt, id } = one['paid'] ?? { createdAt: '', id: '' };
  await listInvoices(database, tenantId, { limit: 50, ...filter }, { createdAt, id });
}

async function relay(): Promise<void> {
  const sink = {
    ...noParts,
    send: async () => undefined,
    prepare: async () => undefined,
    close: async () => undefined,
  };
  await publishPending({ database, sink, logger }, 0, 1);
}

/** Takes every start. */
const unsent = {
  client: {
    withDeadline: (_: number, work: () => Promise<unknown>) => work(),
    workflow: { start: async () => undefined, signalWithStart: async () => undefined },
  } as unknown as Client,
  taskQueue: 'none',
  limiter: createLimiter(),
};

async function sweep(): Promise<void> {
  const stopping = new AbortController();
  const running = new MockActivityEnvironment().run(
    testActivities(database, { stopping: stopping.signal, send: { ...unsent, logger } }).sendWakeups,
  );
  // The first pass is under way; no second one follows.
  stopping.abort();
  await running;
}

describe('reads little more than it gives', () => {
  const invoice = randomUUID();
  const operations: Record<string, () => Promise<unknown>> = {
    create: () => carryOut('create', invoice, draftOf),
    finalize: () => carryOut('finalize', invoice),
    pay: () => carryOut('pay', invoice, payment()),
    'finalize an old draft': () => carryOut('finalize', one['draft']?.id ?? ''),
    'pay an old invoice': () => carryOut('pay', one['finalized']?.id ?? '', { ...payment(), ...paid() }),
    relay,
    'look up a command': () => lookUpCommand(database, { ...command('create', invoice, draftOf), step: 'create' }),
    get: () => invoiceById(database, tenantId, invoice),
    history: () => invoiceHistory(database, tenantId, one['paid']?.id ?? ''),
    'a page of the Web UI': () => testActivities(database).loadInvoice({ tenantId, invoiceId: one['paid']?.id ?? '' }),
    list: () => list({}),
    'deep in the list': () => deepInTheList({}),
    ...Object.fromEntries(
      [
        { status: 'draft' },
        { status: 'paid' },
        { currency: 'EUR' },
        { currency: 'XAF' },
        { status: 'draft', currency: 'XAF' },
        { status: 'paid', currency: 'CHF' },
        { cashierId: randomUUID() },
        { customerReference: 'C-1' },
        { customerReference: 'nobody' },
        { number: 'INV-2026-000001' },
        { number: 'INV-1999-000001' },
        { dueBefore: '2001-01-01' },
        { dueAfter: '2101-01-01' },
        { dueBefore: addDays(today, 1_000), status: 'draft' },
      ].map((filter) => [`list ${JSON.stringify(filter)}`, () => list(filter)]),
    ),
    'list of a cashier': () => list({ cashierId: one['paid']?.cashierId }),
    'deep in the paid ones': () => deepInTheList({ status: 'paid' }),
    'list of cashiers': () => listCashiers(database, tenantId, 50, null),
    'payments of a cashier': () =>
      cashierPayments(database, { tenantId, cashierId: one['paid']?.cashierId ?? '' }, 50, null),
    sweep,
    'figures of the metrics': () => outboxBacklog(database),
    'a chunk of a billing run': () => finalizeChunk(chunk(), { tenantId, businessDate: addDays(today, 20) }, 50),
  };
  const paid = () => ({ amountMinor: one['finalized']?.amountMinor, currency: one['finalized']?.currency });
  const chunk = () => ({ database, wire: testWire, notify: () => undefined, overdueAfterMs: undefined });

  it.each(Object.entries(operations))('%s', async (_, work) => {
    const statements = await explained.statementsOf(work);
    expect(statements.length).toBeGreaterThan(0);
    const greedy = statements.filter(({ given, read }) => read > Math.max(READ_MAX, FACTOR * given));
    expect(greedy).toEqual([]);
  });
});

describe('INV-11: page by page, a list has what its filters name', () => {
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const day = fc.integer({ min: -500, max: 60 }).map((days) => addDays(today, days));
  const filters = (of: readonly Invoice[]) => {
    const some = <N extends 'cashierId' | 'customerReference'>(name: N) =>
      fc.constantFrom(...of.map((row) => row[name] ?? randomUUID()));
    return fc.record({
      status: optional(fc.constantFrom('draft' as const, 'finalized' as const, 'paid' as const, 'cancelled' as const)),
      currency: optional(fc.constantFrom('EUR', 'USD', 'XAF')),
      cashierId: optional(some('cashierId')),
      customerReference: optional(some('customerReference')),
      dueBefore: optional(day),
      dueAfter: optional(day),
    });
  };

  /** Asked of Postgres in the plain way. */
  async function expected(tenant: string, filter: Filter): Promise<string[]> {
    const { status, currency, cashierId, customerReference, dueBefore, dueAfter } = filter;
    const equal = withoutUndefined({ status, currency, cashierId, customerReference });
    const rows = await database.invoice.findMany({
      where: {
        tenantId: tenant,
        ...equal,
        AND: [
          ...(dueBefore ? [{ dueDate: { lt: new Date(dueBefore) } }] : []),
          ...(dueAfter ? [{ dueDate: { gt: new Date(dueAfter) } }] : []),
        ],
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  // Without time, each page ends with its first piece.
  it.each([
    ['in one search', undefined],
    ['piece by piece', 0],
  ])('%s', async (_, searchLimitMs) => {
    const tenants = await database.invoice.groupBy({ by: ['tenantId'], _count: true });
    const sizes = tenants.filter(({ _count: count }) => count < MIDDLING).toSorted((a, b) => b._count - a._count);
    const tenant = sizes[0]?.tenantId ?? '';
    const some = await listInvoices(database, tenant, { limit: 200 }, null);
    await fc.assert(
      fc.asyncProperty(filters(some.invoices), async (filter) => {
        const found: string[] = [];
        let after: ListPosition | null = null;
        do {
          const page: InvoicePage = await listInvoices(
            database,
            tenant,
            { limit: 200, ...filter },
            after,
            searchLimitMs,
          );
          found.push(...page.invoices.map(({ id }) => id));
          after = page.next;
        } while (after);
        expect(found).toEqual(await expected(tenant, filter));
      }),
      { numRuns: 60 },
    );
  });
});
