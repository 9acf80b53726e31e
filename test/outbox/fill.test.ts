/** A topic of a later version that is filled from the outbox, and an earlier one from a later one. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideEventVersion } from '../../event-versions/commands.ts';
import { FROM_THE_FIRST, fillStreams, fillWhole } from '../../event-versions/fill.ts';
import { type TopicVersion, mirrored } from '../../event-versions/lines.ts';
import type { Database } from '../../platform/database.ts';
import { testWire } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { atMost } from '../support/speed.ts';
import { versioned } from '../support/versioned.ts';

let database: Database;
beforeAll(async () => {
  database = testDatabase({ url: await makeOwnDatabase('fill') });
});
afterAll(() => database?.$disconnect());

const fill = (version: TopicVersion) => fillWhole(database, version, testWire, atMost(30_000));
const told = (rows: readonly { n: number; sequence: number; value: string }[]) =>
  rows.map(({ sequence, value }) => [sequence, JSON.parse(value) as unknown]);
const step = (n: number, before: number | null) => ({ n, more: true, before });

describe('MSG-09: a version that is opened later', () => {
  it('is not filled by a close of the one before that is refused', async () => {
    const { v2, write, written, versions } = versioned(database);
    const id = randomUUID();
    await write(id, 1, 2);
    const asking = { key: randomUUID(), actor: 'ann', acceptedAt: new Date().toISOString(), attemptId: randomUUID() };
    const outcome = await decideEventVersion(
      { database, wire: testWire, versions: versions.all, notify: () => undefined },
      { action: 'close', of: versions.first, reason: 'too early', sunset: null, force: true },
      asking,
    );
    expect(outcome.kind).toBe('refused');
    expect(await written(v2, id)).toEqual([]);
  });

  it('has what was told before, at the same places, and commands write both from then on', async () => {
    const { v1, v2, write, written, stage, version } = versioned(database);
    const [one, other] = [randomUUID(), randomUUID()];
    await write(one, 1, 2);
    await write(other, 1);
    await stage(v2, 'open');
    expect(await fill(version)).toBe(true);
    await write(one, 3);
    const [old, now] = [await written(v1, one), await written(v2, one)];
    expect(now.map(({ sequence, headers }) => [sequence, headers['ce_factid']])).toEqual(
      old.map(({ sequence, headers }) => [sequence, headers['ce_id']]),
    );
    expect(told(now).slice(0, 2)).toEqual([
      [1, step(1, null)],
      [2, step(2, 1)],
    ]);
    expect((await written(v2, other)).map(({ n }) => n)).toEqual([1]);
    expect(await fillStreams(database, version, testWire, FROM_THE_FIRST)).toMatchObject({ streams: 0, events: 0 });
  });

  it('is filled while thirty writers write, and nothing is missing or twice', async () => {
    const { v1, v2, write, written, stage, version } = versioned(database);
    const id = randomUUID();
    await write(id, 0);
    await stage(v2, 'open');
    const writing = Promise.all(Array.from({ length: 30 }, (_, n) => write(id, n + 1)));
    expect(await fill(version)).toBe(true);
    await writing;
    expect(await fill(version)).toBe(true);
    const facts = async (topic: string) =>
      (await written(topic, id)).map(({ sequence, headers }) => `${sequence} ${headers['ce_factid']}`).toSorted();
    expect(await facts(v2)).toEqual(await facts(v1));
    expect(await facts(v2)).toHaveLength(31);
  });

  it('begins behind what retention has deleted, and does not know what came before', async () => {
    const { v1, v2, write, written, stage, version, tenantId } = versioned(database);
    const [some, all] = [randomUUID(), randomUUID()];
    await write(some, 1, 2, 3);
    await write(all, 1, 2);
    for (const [id, through] of [
      [some, 2],
      [all, 2],
    ] as const) {
      const stream = `${v1}|${tenantId}|${id}`;
      await database.outboxEvent.deleteMany({ where: { stream, sequence: { lte: through } } });
      await database.stream.update({ where: { stream }, data: { prunedThrough: through, lastPublished: through } });
    }
    await stage(v2, 'open');
    expect(await fill(version)).toBe(true);
    expect(told(await written(v2, some))).toEqual([[3, step(3, null)]]);
    await write(all, 3);
    expect((await written(v2, all)).map(({ sequence }) => sequence)).toEqual([3]);
    const rows = await database.stream.findMany({ where: { stream: { startsWith: v2 } } });
    expect(rows.map(({ prunedThrough, lastPublished }) => [prunedThrough, lastPublished])).toEqual([
      [2n, 2n],
      [2n, 2n],
    ]);
  });

  it('keeps what was withheld, and does not know what came before the next', async () => {
    const { v1, v2, write, written, stage, version, tenantId } = versioned(database);
    const id = randomUUID();
    await write(id, 1, 2, 3);
    const withheld = await database.outboxEvent.findFirstOrThrow({
      where: { stream: `${v1}|${tenantId}|${id}`, sequence: 2 },
    });
    const value = JSON.stringify({ withheldId: withheld.id, withheldType: withheld.type, reason: 'too large' });
    await database.outboxEvent.update({
      where: { id: withheld.id },
      data: { type: 'billing.event.withheld.v1', value },
    });
    await stage(v2, 'open');
    expect(await fill(version)).toBe(true);
    expect(told(await written(v2, id))).toEqual([
      [1, step(1, null)],
      [2, JSON.parse(value)],
      [3, step(3, null)],
    ]);
  });

  it('that lacks what was deleted meanwhile says so, and the others are filled', async () => {
    const { v1, v2, write, stage, version, tenantId } = versioned(database);
    const [torn, whole] = [randomUUID(), randomUUID()];
    await stage(v2, 'open');
    await write(torn, 1);
    await stage(v2, 'planned');
    await write(torn, 2, 3);
    await write(whole, 1);
    const stream = `${v1}|${tenantId}|${torn}`;
    await database.outboxEvent.deleteMany({ where: { stream, sequence: { lte: 2 } } });
    await database.stream.update({ where: { stream }, data: { prunedThrough: 2 } });
    await stage(v2, 'open');
    const { lost, streams } = await fillStreams(database, version, testWire, FROM_THE_FIRST);
    expect({ lost, streams }).toEqual({ lost: [`${v2}|${tenantId}|${torn}`], streams: 1 });
    expect(await fill(version)).toBe(false);
  });

  it('fills the one before where that lacks what it has itself, as after a restored backup', async () => {
    const { v1, v2, write, written, stage, version, tenantId } = versioned(database);
    const id = randomUUID();
    await stage(v2, 'open');
    await write(id, 1, 2, 3);
    const before = told(await written(v1, id));
    await database.outboxEvent.deleteMany({ where: { stream: `${v1}|${tenantId}|${id}`, sequence: { gt: 1 } } });
    await database.stream.update({ where: { stream: `${v1}|${tenantId}|${id}` }, data: { lastSequence: 1 } });
    expect(await fill(mirrored(version))).toBe(true);
    expect(told(await written(v1, id))).toEqual(before);
    await write(id, 4);
    expect((await written(v2, id)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });
});
