/**
 * The events over REST: whoever follows them misses nothing, whatever is written meanwhile, and is told when he must
 * have missed something.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertEvents } from '../../commands/outbox.ts';
import { outboxRow } from '../support/outbox.ts';
import { FEED_START, readFeed } from '../../messaging/event-feed.ts';
import { pruneEvents } from '../../messaging/prune.ts';
import { beginEpoch } from '../../operations/recover/epoch.ts';
import type { Database, TransactionClient } from '../../platform/database.ts';
import { sqlJoin } from '../../platform/sql.ts';
import { testWire } from '../support/activities.ts';
import type { Caller, Problem } from '../support/caller.ts';
import { testDatabase } from '../support/database.ts';
import { eventNamed } from '../support/events.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const INVOICES = 'test.billing.public.invoices.v1';
const WRITERS = 16;
const STREAMS = 4;

let system: System;
/** Of the test's own writers. */
let database: Database;
beforeAll(async () => {
  const url = await makeOwnDatabase('events');
  system = await startSystem({ DATABASE_URL: url, TEMPORAL_NAMESPACE: 'events' });
  database = testDatabase({ url, poolMax: WRITERS + 6 });
});
afterAll(async () => {
  await database?.$disconnect();
  await system?.stop();
});

interface Item {
  id: string;
  type: string;
  topic: string;
  key: string;
  sequence: number;
  headers: Record<string, string>;
  value: string;
}
interface Page {
  items: Item[];
  nextCursor: string;
  prunedBefore: string | null;
}

type Query = Record<string, string | number>;

const pathOf = (query: Query) =>
  `/v1/events?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, `${value}`])).toString()}`;

async function pageOf(caller: Caller, query: Query): Promise<Page> {
  const { status, body } = await caller.request<Page & Problem>('GET', pathOf(query));
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

async function problemOf(caller: Caller, query: Query) {
  const { status, body } = await caller.request<Problem & { firstSequence?: number }>('GET', pathOf(query));
  return { status, code: body.code, first: body.firstSequence, path: body.errors?.[0]?.path };
}

/** What was written until now waits for no older transaction any more. */
const untilShown = () =>
  waitFor('older transactions', async () => {
    const [row] = await database.$queryRaw<{ shown: boolean }[]>`
      SELECT coalesce(max(transaction_id), 0) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS shown
      FROM outbox_events`;
    return row?.shown;
  });

/** Everything up to now, page by page. */
async function allOf(caller: Caller, query: Query = {}, limit = 3) {
  await untilShown();
  const items: Item[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await pageOf(caller, { ...query, limit, ...(after === undefined ? {} : { after }) });
    items.push(...page.items);
    if (page.nextCursor === after) return { items, nextCursor: after };
    after = page.nextCursor;
  }
}

const sequencesOf = (items: readonly Item[], key: string) =>
  items.filter((item) => item.topic === INVOICES && item.key === key).map(({ sequence }) => sequence);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const eventOf = (tenantId: string, invoiceId: string) =>
  outboxRow(
    eventNamed('InvoiceUpdated'),
    { tenantId, invoiceId },
    { n: 1 },
    { time: new Date().toISOString(), causationId: 'test', actor: 'ann' },
    testWire,
  );

const write = (on: Database | TransactionClient, tenantId: string, invoiceIds: readonly string[]) =>
  on.$executeRaw`WITH ${sqlJoin(insertEvents(invoiceIds.map((id) => eventOf(tenantId, id))), ', ')} SELECT 1`;

/** A transaction that has taken the place of its event in the outbox, and is committed when it is told to be. */
async function slowWriter(tenantId: string) {
  const invoiceId = randomUUID();
  const state = { isWritten: false, isReleased: false };
  const committed = database.$transaction(
    async (tx) => {
      await write(tx, tenantId, [invoiceId]);
      state.isWritten = true;
      // Postgres ends a transaction in which nothing is asked.
      while (!state.isReleased) await tx.$executeRaw`SELECT pg_sleep(0.02)`;
    },
    { timeout: 120_000 },
  );
  await waitFor('the slow transaction', async () => state.isWritten);
  const commit = () => {
    state.isReleased = true;
    return committed;
  };
  return { invoiceId, commit };
}

/** What a reader by position alone has read. */
function naiveReader(tenantId: string) {
  const ids: string[] = [];
  let position = 0n;
  return {
    ids,
    read: async () => {
      const rows = await database.$queryRaw<{ position: bigint; id: string }[]>`
        SELECT position, id FROM outbox_events WHERE tenant_id = ${tenantId}::uuid AND position > ${position}
        ORDER BY position LIMIT 100`;
      ids.push(...rows.map(({ id }) => id));
      position = rows.at(-1)?.position ?? position;
      return rows.length > 0;
    },
  };
}

it('MSG-10: beside sixteen writers and one that commits late nothing is missed, and each stream is in order; by positions alone the late one is', async () => {
  const ann = system.caller();
  const { tenantId } = ann;
  const invoiceIds = Array.from({ length: STREAMS }, () => randomUUID());
  let isOver = false;
  const items: Item[] = [];
  const naive = naiveReader(tenantId);
  const follow = async () => {
    let after = '';
    for (;;) {
      const last = isOver;
      const page = await pageOf(ann, { limit: 50, ...(after === '' ? {} : { after }) });
      items.push(...page.items);
      if (last && page.nextCursor === after) return;
      after = page.nextCursor;
    }
  };
  const followNaively = async () => {
    for (let last = false, some = true; !last || some;) {
      last = isOver;
      some = await naive.read();
    }
  };
  const writers = { areWriting: true };
  let late = '';
  const writer = async (n: number) => {
    for (let turn = n; writers.areWriting; turn += 1)
      await database.$transaction(async (tx) => {
        // As a command does: its key is written before it has its entity's lock.
        await tx.$queryRaw`SELECT pg_current_xact_id()::text`;
        await write(tx, tenantId, [invoiceIds[turn % STREAMS] ?? '']);
      });
  };
  const reading = Promise.all([follow(), followNaively()]);
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, n) => writer(n)));
  try {
    await waitFor('events', async () => items.length > 100);
    const slow = await slowWriter(tenantId);
    late = slow.invoiceId;
    const before = naive.ids.length;
    await waitFor('the naive reader to pass it', async () => naive.ids.length > before + 50);
    await slow.commit();
    const shown = items.length;
    await waitFor('events after it', async () => items.length > shown + 100);
  } finally {
    writers.areWriting = false;
    await writing;
    await untilShown();
    isOver = true;
    await reading;
  }

  const stored = await database.outboxEvent.findMany({ where: { tenantId }, select: { id: true, stream: true } });
  expect(items.map(({ id }) => id).toSorted()).toEqual(stored.map(({ id }) => id).toSorted());
  for (const invoiceId of invoiceIds) {
    const sequences = sequencesOf(items, `${tenantId}|${invoiceId}`);
    expect(sequences.length).toBeGreaterThan(0);
    expect(sequences).toEqual(upTo(sequences.length));
  }
  const lost = stored.filter(({ id }) => !naive.ids.includes(id));
  expect(lost.filter(({ stream }) => stream.endsWith(late))).toHaveLength(1);
});

// Two commands about one entity: which of them has the lower transaction id does not say which was first.
it('MSG-10: a transaction that began first and had the stream last comes behind, also when a page ends between', async () => {
  const ann = system.caller();
  const { tenantId } = ann;
  const invoiceId = randomUUID();
  await database.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT pg_current_xact_id()::text`;
    await write(database, tenantId, [invoiceId]);
    await write(tx, tenantId, [invoiceId]);
  });
  const { items } = await allOf(ann, {}, 1);
  expect(sequencesOf(items, `${tenantId}|${invoiceId}`)).toEqual([1, 2]);
});

it('MSG-10: a stream shows what is committed at once, whatever else is being written', async () => {
  const ann = system.caller();
  const invoiceId = randomUUID();
  const { commit } = await slowWriter(ann.tenantId);
  await write(database, ann.tenantId, [invoiceId, invoiceId, invoiceId]);
  const healed = await pageOf(ann, { topic: INVOICES, subject: invoiceId, afterSequence: 1 });
  expect(healed.items.map(({ sequence }) => sequence)).toEqual([2, 3]);
  expect((await pageOf(ann, {})).items).toEqual([]);
  await commit();
  expect((await allOf(ann)).items).toHaveLength(4);
});

it('MSG-10: headers and value are byte by byte what Kafka carries', async () => {
  const ann = system.caller();
  const subscriber = await subscribe();
  const paid = await ann.finalized({ name: 'Grüße — "Hosting"\u2028' });
  await ann.pay(paid.id);
  await ann.request('POST', '/v1/cashiers', { body: { name: 'Kasse Süd', email: `${randomUUID()}@example.com` } });
  const onKafka = await waitFor('the events', async () => {
    const read = subscriber.firstOf(ann.tenantId);
    const count = await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } });
    return read.length === count && count > 3 ? read : undefined;
  });
  await subscriber.stop();
  const { items } = await allOf(ann);
  const bare = ({ id, type, topic, key, sequence, headers, value }: Item) =>
    JSON.stringify([id, type, topic, key, sequence, Object.entries(headers), value]);
  expect(items.map(bare).toSorted()).toEqual(onKafka.map(bare).toSorted());
});

it('MSG-10: by type, topic, subject, instant and sequence; an empty page gives the same place', async () => {
  const ann = system.caller();
  const early = await ann.finalized();
  const { recordedAt } = await system.database.outboxEvent.findFirstOrThrow({
    where: { tenantId: ann.tenantId },
    orderBy: { position: 'desc' },
  });
  const from = new Date(recordedAt.getTime() + 1).toISOString();
  await waitFor('the next millisecond', async () => Date.now() > Date.parse(from));
  const late = await ann.finalized();
  const types = (items: readonly Item[]) => items.map(({ type }) => type.split('.')[2]);
  const finalized = await allOf(ann, { types: 'billing.invoice.finalized.v1,billing.invoice.paid.v1' });
  expect(types(finalized.items)).toEqual(['finalized', 'finalized']);
  const about = await allOf(ann, { subject: late.id });
  expect(types(about.items)).toEqual(expect.arrayContaining(['created', 'finalized']));
  expect(new Set(about.items.map(({ headers }) => headers['ce_subject']))).toEqual(new Set([late.id]));
  const since = await allOf(ann, { from });
  expect(since.items.map(({ id }) => id)).toEqual(about.items.map(({ id }) => id));
  const onTopic = await allOf(ann, { topic: INVOICES });
  expect(new Set(onTopic.items.map(({ topic }) => topic))).toEqual(new Set([INVOICES]));
  expect((await allOf(ann, { topic: 'test.billing.public.cashiers.v1' })).items).toEqual([]);
  const stream = { topic: INVOICES, subject: early.id };
  expect(types((await allOf(ann, { ...stream, afterSequence: 1 })).items)).toEqual(['finalized']);
  expect((await allOf(ann, { ...stream, afterSequence: 9 })).items).toEqual([]);
  const end = await pageOf(ann, { after: (await allOf(ann)).nextCursor });
  expect(end).toEqual({ items: [], nextCursor: (await allOf(ann)).nextCursor, prunedBefore: null });
});

it('MSG-10: a page looks through some rows and no more; the next goes on behind them', async () => {
  const tenantId = randomUUID();
  const wanted = randomUUID();
  await database.$executeRaw`
    INSERT INTO outbox_events (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value, published_at)
    SELECT gen_random_uuid(), ${tenantId}::uuid, 'many|' || ${tenantId}, n, 0, 'many', '', 'other', '{}', '{}', now()
    FROM generate_series(1, 12000) AS n`;
  await write(database, tenantId, [wanted]);
  await untilShown();
  const filter = { tenantId, types: ['billing.invoice.updated.v1'] };
  const found: string[] = [];
  let pages = 0;
  for (let [after, isEnd] = [FEED_START, false]; !isEnd; pages += 1) {
    const page = await readFeed(database, filter, after, { limit: 10, limitMs: 0 });
    found.push(...page.events.map(({ partitionKey }) => partitionKey));
    [after, isEnd] = [page.next, page.isEnd];
  }
  expect({ found, pages }).toEqual({ found: [`${tenantId}|${wanted}`], pages: 3 });
  // Headers and value of one of the many have four bytes; one event has room always.
  const lengths = [3, 4, 8, 9].map(async (bytesMax) => {
    const page = await readFeed(database, { tenantId }, FEED_START, { limit: 10, limitMs: 0, bytesMax });
    return page.events.length;
  });
  expect(await Promise.all(lengths)).toEqual([1, 1, 2, 2]);
});

it('TEN-02: another tenant sees none of it, by no filter and no cursor; who may act for all sees all', async () => {
  const [ann, bob] = [system.caller(), system.caller()];
  const { id } = await ann.draft();
  await untilShown();
  const hers = await pageOf(ann, { limit: 1 });
  for (const query of [{}, { after: hers.nextCursor }, { subject: id }, { topic: INVOICES }, { types: 'x' }])
    expect((await allOf(bob, query)).items, JSON.stringify(query)).toEqual([]);
  expect((await allOf(bob, { topic: INVOICES, subject: id, afterSequence: 0 })).items).toEqual([]);
  const operator = system.caller('00000000-0000-0000-0000-000000000000');
  await bob.draft();
  const tenants = new Set((await allOf(operator, {}, 500)).items.map(({ headers }) => headers['ce_tenantid']));
  for (const { tenantId } of [ann, bob]) expect(tenants).toContain(tenantId);
  expect(await problemOf(operator, { subject: id })).toMatchObject({ status: 400, code: 'tenant_required' });
});

it('MSG-10: what is asked wrongly is refused, and a cursor of other filters', async () => {
  const ann = system.caller();
  await ann.draft();
  await untilShown();
  const { nextCursor: after } = await pageOf(ann, { types: 'billing.invoice.created.v1' });
  const refused = (path: string) => ({ status: 422, code: 'validation_failed', path });
  const wrong: [Query, string][] = [
    [{ after }, 'after'],
    [{ after, types: 'billing.invoice.paid.v1' }, 'after'],
    [{ after, types: 'billing.invoice.created.v1', topic: INVOICES }, 'after'],
    [{ after: 'nonsense' }, 'after'],
    [{ afterSequence: 1 }, 'afterSequence'],
    [{ afterSequence: 1, topic: INVOICES }, 'afterSequence'],
    [{ afterSequence: -1, topic: INVOICES, subject: randomUUID() }, 'afterSequence'],
    [{ limit: 501 }, 'limit'],
    [{ limit: 0 }, 'limit'],
    [{ from: 'yesterday' }, 'from'],
    [{ subject: 'x' }, 'subject'],
  ];
  for (const [query, path] of wrong)
    expect(await problemOf(ann, query), JSON.stringify(query)).toMatchObject(refused(path));
  expect((await pageOf(ann, { after, types: 'billing.invoice.created.v1' })).items).toEqual([]);
});

it('MSG-01: in the place of what was withheld since stands its EventWithheld', async () => {
  const ann = system.caller();
  const invoiceId = randomUUID();
  await write(database, ann.tenantId, [invoiceId]);
  const query = { topic: INVOICES, subject: invoiceId };
  const [before] = (await pageOf(ann, query)).items;
  const type = 'billing.event.withheld.v1';
  await database.outboxEvent.update({ where: { id: before?.id ?? '' }, data: { id: randomUUID(), type, value: '{}' } });
  const [after] = (await pageOf(ann, query)).items;
  expect(after).toMatchObject({ type, key: before?.key, sequence: 1, value: '{}' });
});

it('MSG-06: what retention has deleted is not passed over in silence', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  await waitFor('publishing', async () => (await database.outboxEvent.count({ where: { publishedAt: null } })) === 0);
  await untilShown();
  const first = await pageOf(ann, { limit: 1 });
  expect(first.prunedBefore).toBeNull();
  const before = new Date(Date.now() + 60_000);
  for (let after: bigint | null = 0n; after !== null;) ({ after } = await pruneEvents(database, { before, after }));
  const { prunedThrough } = await database.stream.findFirstOrThrow({
    where: { stream: { startsWith: INVOICES, endsWith: id } },
  });
  expect(prunedThrough).toBeGreaterThan(1n);
  await ann.step(id, 'cancel');
  await untilShown();

  const stream = { topic: INVOICES, subject: id };
  const kept = Number(prunedThrough);
  expect(await problemOf(ann, { ...stream, afterSequence: kept - 1 })).toMatchObject({
    status: 410,
    code: 'events_pruned',
    first: kept + 1,
  });
  const healed = await pageOf(ann, { ...stream, afterSequence: kept });
  expect(healed.items.map(({ sequence }) => sequence)[0]).toBe(kept + 1);
  expect(healed.prunedBefore).toBeNull();
  const begun = await pageOf(ann, {});
  expect(Date.parse(begun.prunedBefore ?? '')).toBeLessThanOrEqual(Date.now());
  expect((await pageOf(ann, { after: first.nextCursor })).prunedBefore).toBe(begun.prunedBefore);
  expect((await pageOf(ann, { from: '2020-01-01T00:00:00Z' })).prunedBefore).toBe(begun.prunedBefore);
  expect((await pageOf(ann, { from: begun.prunedBefore ?? '' })).prunedBefore).toBeNull();
  expect((await pageOf(ann, { after: begun.nextCursor })).prunedBefore).toBeNull();
});

it('MSG-07: in a restored database no cursor counts, and transactions that are to come hide nothing', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  await untilShown();
  const cursor = await pageOf(ann, {});
  // As pg_restore leaves it: the rows have transactions that this server has not come to yet.
  const far = 1n << 50n;
  await database.$executeRaw`UPDATE outbox_events SET transaction_id = transaction_id + ${far}`;
  await database.$executeRaw`UPDATE streams SET last_transaction_id = last_transaction_id + ${far}`;
  expect((await pageOf(ann, {})).items).toEqual([]);
  await beginEpoch(database);
  expect(await problemOf(ann, { after: cursor.nextCursor })).toMatchObject({ status: 409, code: 'cursor_outdated' });
  await ann.step(id, 'cancel');
  const { items } = await allOf(ann, { from: '2020-01-01T00:00:00Z' }, 1);
  const sequences = sequencesOf(items, `${ann.tenantId}|${id}`);
  expect(sequences).toEqual(upTo(sequences.length));
  expect(items.map(({ id: one }) => one)).toEqual(expect.arrayContaining(cursor.items.map(({ id: one }) => one)));
  const fresh = (await allOf(ann)).nextCursor;
  await beginEpoch(database);
  expect(await problemOf(ann, { after: fresh })).toMatchObject({ status: 409, code: 'cursor_outdated' });
});
