/** An event that is told in two versions: which are written, and with which sequences. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { versioned } from '../support/versioned.ts';

let database: Database;
beforeAll(() => {
  database = testDatabase();
});
afterAll(() => database?.$disconnect());

const numbers = (rows: readonly { n: number; sequence: number }[]) => rows.map(({ n, sequence }) => [n, sequence]);

describe('MSG-09: what is written of two versions', () => {
  it('the first alone, as long as nobody has opened the second', async () => {
    const { v1, v2, write, written } = versioned(database);
    const id = randomUUID();
    await write(id, 1, 2);
    expect(numbers(await written(v1, id))).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(await written(v2, id)).toEqual([]);
  });

  it('both on a stream that is new: the same sequence and fact, other ids, each its own data', async () => {
    const { v1, v2, write, written, stage } = versioned(database);
    const id = randomUUID();
    await stage(v2, 'open');
    await write(id, 1, 2);
    await write(id, 3);
    const [old, now] = [await written(v1, id), await written(v2, id)];
    expect(numbers(old)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(numbers(now)).toEqual(numbers(old));
    expect(now[0]?.value).toBe('{"n":1,"more":true}');
    expect(old[0]?.value).toBe('{"n":1}');
    for (const [index, { headers }] of now.entries()) {
      const twin = old[index]?.headers;
      expect(headers['ce_factid']).toBe(twin?.['ce_id']);
      expect(twin?.['ce_factid']).toBe(twin?.['ce_id']);
      expect(headers['ce_id']).not.toBe(twin?.['ce_id']);
      expect(headers['ce_sequence']).toBe(twin?.['ce_sequence']);
    }
  });

  it('a stream that has events is left to who fills it, and goes on with both once it is level', async () => {
    const { v1, v2, write, written, stage, tenantId } = versioned(database);
    const id = randomUUID();
    await write(id, 1, 2);
    await stage(v2, 'open');
    await write(id, 3);
    await write(id, 4, 5);
    expect(numbers(await written(v1, id))).toEqual([1, 2, 3, 4, 5].map((n) => [n, n]));
    expect(await written(v2, id)).toEqual([]);
    const stream = `${v2}|${tenantId}|${id}`;
    await database.stream.update({ where: { stream }, data: { lastSequence: 5 } });
    await write(id, 6, 7);
    expect(numbers(await written(v2, id))).toEqual([
      [6, 6],
      [7, 7],
    ]);
  });

  it('the second goes on where both were when the first is closed', async () => {
    const { v1, v2, write, written, stage } = versioned(database);
    const id = randomUUID();
    await stage(v2, 'open');
    await write(id, 1, 2);
    await stage(v1, 'closed');
    await write(id, 3);
    await write(id, 4);
    expect(numbers(await written(v1, id))).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(numbers(await written(v2, id))).toEqual([1, 2, 3, 4].map((n) => [n, n]));
  });

  it('a second that stands ahead, as after a restored backup, is left alone, and the first goes on', async () => {
    const { v1, v2, write, written, stage, tenantId } = versioned(database);
    const id = randomUUID();
    await stage(v2, 'open');
    await write(id, 1, 2);
    await database.stream.update({ where: { stream: `${v2}|${tenantId}|${id}` }, data: { lastSequence: 4 } });
    for (const n of [3, 4, 5]) await write(id, n);
    expect(numbers(await written(v1, id))).toEqual([1, 2, 3, 4, 5].map((n) => [n, n]));
    expect(numbers(await written(v2, id))).toEqual([
      [1, 1],
      [2, 2],
      [5, 5],
    ]);
  });

  it('a version that is deprecated says until when', async () => {
    const { v1, v2, write, written, stage } = versioned(database);
    const id = randomUUID();
    await stage(v2, 'open');
    await stage(v1, 'deprecated', '2031-01-31');
    await write(id, 1);
    expect((await written(v1, id))[0]?.headers).toMatchObject({ ce_sunset: '2031-01-31', ce_sequence: '1' });
    expect((await written(v2, id))[0]?.headers).not.toHaveProperty('ce_sunset');
  });

  it('thirty writers at once leave both without a gap, with the same facts at the same places', async () => {
    const { v1, v2, write, written, stage } = versioned(database);
    const id = randomUUID();
    await stage(v2, 'open');
    await Promise.all(Array.from({ length: 30 }, (_, n) => write(id, n, n + 100)));
    const [old, now] = [await written(v1, id), await written(v2, id)];
    expect(old.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(now.map(({ sequence, headers }) => [sequence, headers['ce_factid']])).toEqual(
      old.map(({ sequence, headers }) => [sequence, headers['ce_id']]),
    );
  });
});
