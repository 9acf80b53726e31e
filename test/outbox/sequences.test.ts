/** Events get their sequences while they are written. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OutboxRow, insertEvents } from '../../commands/outbox.ts';
import type { Database } from '../../platform/database.ts';
import { sqlJoin } from '../../platform/sql.ts';
import { testDatabase } from '../support/database.ts';
import { eventNamed } from '../support/events.ts';
import { testWire } from '../support/activities.ts';
import { outboxRow } from '../support/outbox.ts';

let database: Database;
beforeAll(() => {
  database = testDatabase();
});
afterAll(() => database?.$disconnect());

const tenantId = randomUUID();

function eventOf(invoiceId: string, n: number, causationId = 'test'): OutboxRow {
  const time = new Date().toISOString();
  return outboxRow(
    eventNamed('InvoiceUpdated'),
    { tenantId, invoiceId },
    { n },
    { time, causationId, actor: 'ann' },
    testWire,
  );
}

const write = (events: readonly OutboxRow[]) =>
  database.$executeRaw`WITH ${sqlJoin(insertEvents(events), ', ')} SELECT 1`;

/** What was written of an invoice, in the order of its positions. */
async function written(invoiceId: string) {
  const rows = await database.outboxEvent.findMany({
    where: { stream: { endsWith: `|${invoiceId}` } },
    orderBy: { position: 'asc' },
  });
  return rows.map(({ sequence, headers, value }) => ({
    n: (JSON.parse(value) as { n: number }).n,
    sequence: Number(sequence),
    headers: JSON.parse(headers) as Record<string, string>,
  }));
}

const inOrder = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    n: index + 1,
    sequence: index + 1,
    headers: expect.objectContaining({ ce_sequence: String(index + 1), ce_causationid: 'test' }) as unknown,
  }));

it('MSG-02: in the order in which they were told, in the row and in the headers, each stream by itself', async () => {
  const [a, b] = [randomUUID(), randomUUID()];
  await write([eventOf(b, 1), eventOf(a, 1), eventOf(b, 2), eventOf(b, 3)]);
  await write([eventOf(b, 4), eventOf(a, 2)]);
  expect(await written(a)).toEqual(inOrder(2));
  expect(await written(b)).toEqual(inOrder(4));
});

// A caller chooses his key, and it stands in the headers.
it('MSG-03: nothing else in the headers changes, whatever it looks like', async () => {
  const invoiceId = randomUUID();
  const row = eventOf(invoiceId, 1, '"ce_sequence":""');
  await write([row]);
  const [stored] = await written(invoiceId);
  expect(stored?.headers).toEqual({ ...(JSON.parse(row.headers) as object), ce_sequence: '1' });
});

it('MSG-02: thirty writers at once leave no gap, and positions in the order of sequences', async () => {
  const invoiceId = randomUUID();
  await Promise.all(Array.from({ length: 30 }, (_, n) => write([eventOf(invoiceId, n), eventOf(invoiceId, n)])));
  const sequences = (await written(invoiceId)).map(({ sequence }) => sequence);
  expect(sequences).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
});
