/**
 * Real invoices, imported over REST into real processes, while workers are killed and servers are away. What must come
 * out is the same as on a quiet day: every sum to the cent, every stream without a gap, every number once.
 *
 * `npm test` takes a slice of the file; `npm run test:import` takes all of it.
 */
import type { WireInvoice } from '../../invoices/wire.ts';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { createCaller } from '../support/caller.ts';
import { servers } from '../support/servers.ts';
import { atMost } from '../support/speed.ts';
import { type Service, startService } from '../support/service.ts';
import { type ReadEvent, type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const { TEST_DATA = '', TEST_DIST = '' } = process.env;
/** Rows of the file that are taken, how often the worker is killed, and how long Kafka is away. */
const ROWS = Number(process.env['IMPORT_ROWS'] ?? 80);
const WORKER_KILLS = Number(process.env['WORKER_KILLS'] ?? 2);
const KAFKA_AWAY_MS = Number(process.env['KAFKA_AWAY_MS'] ?? 8_000);
const LIMIT_MS = 25 * 60_000;

interface CsvRow {
  invoiceNumber: string;
  InvoiceAmount: string;
  Disputed: string;
}

const csv = readFileSync('test/data/receivables.csv', 'utf8')
  .split('\n')
  .slice(0, ROWS + 1)
  .join('\n');
const rows: CsvRow[] = parse(csv, { columns: true, skip_empty_lines: true });
const cents = (amount: string) => Math.round(Number(amount) * 100);
const expected = {
  invoices: rows.length,
  cancelled: rows.filter(({ Disputed }) => Disputed === 'Yes').length,
  paid: rows.filter(({ Disputed }) => Disputed === 'No').length,
  cents: rows.reduce((sum, { InvoiceAmount }) => sum + cents(InvoiceAmount), 0),
};

let service: Service;
let subscriber: Subscriber;
let database: Database;
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

/** Runs the import as a process; resolves with its exit code and what it printed. */
function runImport(tenantId: string): Promise<{ code: number | null; output: string }> {
  const file = path.join(TEST_DATA, 'import.csv');
  writeFileSync(file, csv);
  const columns = [
    'number=invoiceNumber',
    'customerReference=customerID',
    'amount=InvoiceAmount',
    'disputed=Disputed',
    'settled=SettledDate',
  ];
  const child = spawn(process.execPath, [
    path.join(TEST_DIST, 'bin/import.js'),
    file,
    '--url',
    service.url,
    '--tenant',
    tenantId,
    '--currency',
    'USD',
    '--settle',
    '--concurrency',
    '16',
    ...columns.flatMap((column) => ['--column', column]),
  ]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, output })));
}

const invoicesDone = (tenantId: string) =>
  database.invoice.count({ where: { tenantId, status: { in: ['paid', 'cancelled'] } } });
const invoicesMade = (tenantId: string) => database.invoice.count({ where: { tenantId } });

async function fromRest(tenantId: string): Promise<WireInvoice[]> {
  const caller = createCaller(service.url, tenantId);
  const invoices: WireInvoice[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body }: { body: { items: WireInvoice[]; nextCursor: string | null } } = await caller.request(
      'GET',
      `/v1/invoices?limit=200${cursor ? `&cursor=${cursor}` : ''}`,
    );
    invoices.push(...body.items);
    cursor = body.nextCursor;
  }
  return invoices;
}

const ofType = (events: readonly ReadEvent[], type: string) =>
  events.filter((event) => event.type === `billing.invoice.${type}.v1`);
const centsOf = (events: readonly ReadEvent[]) =>
  events.reduce((sum, { data }) => sum + cents((data as unknown as { invoice: WireInvoice }).invoice.amount), 0);

/** Every source tells the same, and it is what the file says. */
async function expectTheFilesTruth(tenantId: string): Promise<void> {
  const invoices = await fromRest(tenantId);
  const count = (status: string) => invoices.filter((invoice) => invoice.status === status).length;
  expect({
    invoices: invoices.length,
    cancelled: count('cancelled'),
    paid: count('paid'),
    cents: invoices.reduce((sum, { amount }) => sum + cents(amount), 0),
  }).toEqual(expected);

  const { _sum: sums } = await database.invoice.aggregate({
    where: { tenantId },
    _sum: { amountMinor: true, amountPaidMinor: true },
  });
  const { _sum: payments } = await database.payment.aggregate({ where: { tenantId }, _sum: { amountMinor: true } });
  expect(Number(sums.amountMinor)).toBe(expected.cents);
  expect(payments.amountMinor).toBe(sums.amountPaidMinor);

  const events = await subscriber.waitForEvents(tenantId, expected.invoices * 4, 120_000);
  expect(events).toHaveLength(expected.invoices * 4);
  expect(centsOf(ofType(events, 'created'))).toBe(expected.cents);
  expect(ofType(events, 'finalized')).toHaveLength(expected.invoices);
  expect(centsOf(ofType(events, 'paid'))).toBe(Number(sums.amountPaidMinor));
  expect([ofType(events, 'paid').length, ofType(events, 'cancelled').length]).toEqual([
    expected.paid,
    expected.cancelled,
  ]);
  const gaps = [...sequencesByStream(events)].filter(([, sequences]) =>
    sequences.some((sequence, index) => sequence !== index + 1),
  );
  expect(gaps).toEqual([]);

  const numbers = invoices.map(({ number }) => Number(number?.slice(-6))).toSorted((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
}

describe(`${rows.length} real invoices`, () => {
  it(
    'workers killed, Kafka away, Temporal killed and started: every sum, sequence and number is right',
    async () => {
      const tenantId = randomUUID();
      const importing = runImport(tenantId);
      let finished = false;
      void importing.then(() => (finished = true));
      const progress = (share: number) =>
        waitFor(
          `${share} of the rows`,
          async () => finished || (await invoicesDone(tenantId)) >= rows.length * share,
          LIMIT_MS,
        );

      for (let kill = 1; kill <= WORKER_KILLS; kill += 1) {
        await progress(kill * 0.05);
        await service.replaceWorker();
      }
      await progress(0.6);
      await servers.stopKafka();
      const backAt = Date.now() + KAFKA_AWAY_MS;
      await progress(0.75);
      await servers.killTemporal();
      await servers.startTemporal();
      await waitFor('the end of the outage', async () => Date.now() > backAt, KAFKA_AWAY_MS + 10_000);
      await servers.startKafka();

      const { code, output } = await importing;
      expect(output).toMatch(/created/);
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(await invoicesDone(tenantId)).toBe(rows.length);
      await expectTheFilesTruth(tenantId);

      const before = await database.outboxEvent.count({ where: { tenantId } });
      const again = await runImport(tenantId);
      expect(again).toMatchObject({ code: 0 });
      expect(await database.outboxEvent.count({ where: { tenantId } })).toBe(before);
      expect(await invoicesMade(tenantId)).toBe(rows.length);
      process.stdout.write(`${output}\n${again.output}\n`);
    },
    atMost(LIMIT_MS),
  );
});
