/** What retention deletes from the outbox, what it keeps, and that the books are as sound as before. */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import { fillStore } from '../../bench/store.ts';
import { newAttemptId } from '../../commands/key.ts';
import { carryOut } from '../../commands/transaction.ts';
import { commandOf } from '../../invoices/commands.ts';
import type { StepCommand } from '../../invoices/lifecycle.ts';
import { pruneEvents } from '../../messaging/prune.ts';
import { audit } from '../../operations/verify/audit.ts';
import { commands } from '../../operations/verify/commands.ts';
import { invoices } from '../../operations/verify/invoices.ts';
import { numbers } from '../../operations/verify/numbers.ts';
import { streams } from '../../operations/verify/streams.ts';
import { verify } from '../../operations/verify/verify.ts';
import type { Database } from '../../platform/database.ts';
import type { PruneReport } from '../../workflows/contract/retention.ts';
import { testActivities, testWire } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { foundIn } from '../support/verifier.ts';

/** Enough for several pieces on each side. */
const INVOICES = 1_500;
const DAY_MS = 24 * 60 * 60_000;
const KEPT_DAYS = 90;

let database: Database;
/** The last position that is older than what is kept. */
let edge: bigint;
/** An old stream with a later event, one with nothing else, and those that must not be touched. */
let cut: string;
let blocked: string;
let waiting: string;

/** The streams whose last event lies on this side of the edge, and that have at least two. */
const streamsBefore = (until: bigint) =>
  database.outboxEvent.groupBy({
    by: ['stream'],
    _max: { position: true },
    _min: { position: true },
    having: { position: { _max: { lte: until } }, sequence: { _max: { gt: 1n } } },
    orderBy: { stream: 'asc' },
    take: 10,
  });

beforeAll(async () => {
  database = testDatabase({ url: await makeOwnDatabase('retention') });
  await fillStore(database, testWire, { invoices: INVOICES, tenants: 3 });
  const half = await database.outboxEvent.findFirstOrThrow({
    orderBy: { position: 'asc' },
    skip: Math.floor((await database.outboxEvent.count()) / 2),
  });
  // The first event of a stream that goes on.
  const first = await database.$queryRaw<{ position: bigint; stream: string }[]>`
    SELECT position, stream FROM outbox_events e JOIN streams USING (stream)
    WHERE position > ${half.position} AND sequence = 1 AND last_sequence > 1 ORDER BY position LIMIT 1`;
  edge = first[0]?.position ?? 0n;
  cut = first[0]?.stream ?? '';
  await database.$executeRaw`
    UPDATE outbox_events SET recorded_at = now() - interval '91 days', published_at = now() - interval '91 days'
    WHERE position <= ${edge}`;
  await database.$executeRaw`
    UPDATE outbox_events SET recorded_at = now(), published_at = now() WHERE position > ${edge}`;
  const [one, other] = await streamsBefore(edge);
  blocked = one?.stream ?? '';
  waiting = other?.stream ?? '';
  await database.stream.update({
    where: { stream: blocked },
    data: { blockedBy: randomUUID(), blockedReason: 'test' },
  });
  await database.$executeRaw`UPDATE outbox_events SET published_at = NULL WHERE stream = ${waiting} AND sequence > 1`;
  await database.$executeRaw`UPDATE streams SET last_published = 1 WHERE stream = ${waiting}`;
});
afterAll(() => database?.$disconnect());

const eventsOf = async (stream: string) =>
  (await database.outboxEvent.findMany({ where: { stream }, orderBy: { sequence: 'asc' } })).map(({ sequence }) =>
    Number(sequence),
  );
const prunedThrough = async (stream: string) =>
  Number((await database.stream.findUniqueOrThrow({ where: { stream } })).prunedThrough);

/** As the workflow does: piece after piece, until nothing older is left. */
async function prune(): Promise<number> {
  const { pruneHistory } = testActivities(database, { eventsKeptDays: KEPT_DAYS });
  let pruned = 0;
  for (let after: string | null = '0'; after !== null;) {
    const report: PruneReport = await new MockActivityEnvironment().run<
      Parameters<Activities['pruneHistory']>,
      PruneReport,
      Activities['pruneHistory']
    >(pruneHistory, { after });
    pruned += report.pruned;
    after = report.after;
  }
  return pruned;
}

/** What the checks of Postgres find, but for the stream that the test has blocked without a dead letter. */
async function found(): Promise<Record<string, string[]>> {
  const world = { database, environment: 'test', shards: 1 } as unknown as Parameters<typeof verify>[0];
  const { streams: ofStreams = [], ...others } = foundIn(
    await verify(world, { checks: [streams, invoices, audit, numbers, commands], graceMs: 0 }),
  );
  const left = ofStreams.filter((text) => !text.startsWith(blocked) && !text.startsWith(waiting));
  return left.length === 0 ? others : { streams: left, ...others };
}

it('MSG-06: what is locked is left for the next look, and nobody waits', async () => {
  const before = new Date(Date.now() - KEPT_DAYS * DAY_MS);
  const first = await database.outboxEvent.findFirstOrThrow({ orderBy: { position: 'asc' } });
  const other = testDatabase({ url: process.env['DATABASE_URL']?.replace(/\/[^/?]*(\?|$)/, '/retention$1') ?? '' });
  await other.$transaction(async (tx) => {
    await tx.$queryRaw`SELECT FROM streams WHERE stream = ${first.stream} FOR UPDATE`;
    expect((await pruneEvents(database, { before, after: 0n })).pruned).toBeGreaterThan(0);
    expect(await eventsOf(first.stream)).toContain(1);
  });
  await other.$disconnect();
});

it('MSG-06: published events that were kept for long enough go, in pieces, and nothing else', async () => {
  const counts = async () => ({
    young: await database.outboxEvent.count({ where: { position: { gt: edge } } }),
    unpublished: await database.outboxEvent.count({ where: { publishedAt: null } }),
    audit: await database.auditEntry.count(),
    commands: await database.command.count(),
    payments: await database.payment.count(),
  });
  const [before, blockedBefore, waitingBefore, cutBefore] = [
    await counts(),
    await eventsOf(blocked),
    await eventsOf(waiting),
    await eventsOf(cut),
  ];
  expect(await prune()).toBeGreaterThan(INVOICES);
  expect(await counts()).toEqual(before);
  expect(await eventsOf(blocked)).toEqual(blockedBefore);
  expect(await prunedThrough(blocked)).toBe(0);
  // Of a stream that waits, what was published before goes.
  expect(await eventsOf(waiting)).toEqual(waitingBefore.filter((sequence) => sequence > 1));
  // The edge runs through this one.
  expect(await eventsOf(cut)).toEqual(cutBefore.filter((sequence) => sequence > 1));
  expect(await prunedThrough(cut)).toBe(1);
  expect(
    await database.outboxEvent.count({ where: { position: { lte: edge }, stream: { notIn: [blocked, waiting] } } }),
  ).toBe(0);
  expect(await prune()).toBe(0);
});

it('MSG-06: the books are as sound as before, also at the edge', async () => {
  expect(await found()).toEqual({});
});

it('MSG-06: an event that is missing behind the edge is still found, and one before it that was not deleted', async () => {
  const [sequence] = await eventsOf(cut);
  const lost = await database.outboxEvent.findFirstOrThrow({ where: { stream: cut, sequence: BigInt(sequence ?? 0) } });
  await database.outboxEvent.delete({ where: { id: lost.id } });
  expect(JSON.stringify(await found())).toContain(cut);
  await database.outboxEvent.create({ data: lost });
  await database.stream.update({ where: { stream: cut }, data: { prunedThrough: 0n } });
  expect(JSON.stringify(await found())).toContain(`sequence 1 is missing; 2 follows`);
  await database.stream.update({ where: { stream: cut }, data: { prunedThrough: 1n } });
  expect(await found()).toEqual({});
});

it('MSG-06: a stream that was pruned whole goes on with its next sequence', async () => {
  const place = await database.$queryRaw<{ tenant_id: string; id: string; stream: string; last: bigint }[]>`
    SELECT i.tenant_id, i.id, s.stream, s.last_sequence AS last FROM streams s
    JOIN invoices i ON i.tenant_id = split_part(s.stream, '|', 2)::uuid AND i.id = split_part(s.stream, '|', 3)::uuid
    WHERE i.status = 'finalized' AND s.pruned_through = s.last_sequence AND s.stream LIKE 'test.billing.public.invoices.%'
    LIMIT 1`;
  const [one] = place;
  if (!one) throw new Error('No stream of an open invoice was pruned whole.');
  const command = {
    tenantId: one.tenant_id,
    invoiceId: one.id,
    key: `test:${randomUUID()}`,
    fingerprint: 'test',
    attemptId: newAttemptId(),
    acceptedAt: new Date().toISOString(),
    actor: 'ann',
    body: { reason: 'Ordered twice' },
    expectedVersion: null,
  } as unknown as StepCommand<'cancel'>;
  const [outcome] = await carryOut(
    { database, wire: testWire, notify: () => undefined },
    commandOf('cancel', { overdueAfterMs: undefined }),
    [command],
  );
  expect(outcome?.kind).toBe('done');
  expect(await eventsOf(one.stream)).toEqual([Number(one.last) + 1]);
});

it('API-02: counts of deprecated operations go after 400 days', async () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);
  const [kept, old] = [399, 402].map(daysAgo);
  const row = { operation: 'renameThing', tenantId: randomUUID(), requests: 1n, lastSeenAt: new Date() };
  for (const day of [kept, old]) if (day) await database.deprecatedUse.create({ data: { ...row, day } });
  await prune();
  const left = await database.deprecatedUse.findMany();
  expect(left.map(({ day }) => day.toISOString().slice(0, 10))).toEqual([kept?.toISOString().slice(0, 10)]);
});
