import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  ImportError,
  type ImportStep,
  type Row,
  type RowCommands,
  createRowReader,
} from '../../operations/import/rows.ts';
import { type RunDeps, runImport } from '../../operations/import/run.ts';
import type { RowOutcome, SendOutcome } from '../../operations/import/send.ts';
import { exitCodeOf, summaryOf } from '../../operations/import/summary.ts';

const done = (replayed = false): SendOutcome => ({ kind: 'done', invoiceId: 'inv', replayed });
const refused = (code: string) => ({ kind: 'refused' as const, code, detail: 'Why.', errors: [] });
const made = (replayed: string[] = []): RowOutcome => ({ kind: 'done', invoiceId: 'inv', replayed });
const refusedAt = (step: ImportStep, code: string, replayed: string[] = []): RowOutcome => ({
  ...refused(code),
  step,
  replayed,
});
const mapping = { columns: {}, currency: 'EUR', finalize: true, settle: true };

async function* rowsOf(count: number, broken = false): AsyncGenerator<Row, undefined> {
  for (let line = 2; line < count + 2; line += 1) yield { line, cells: [`N${line}`, '1', 'yes'], bytes: line };
  if (broken) throw new ImportError('The file is not valid CSV.');
}

const run = (rows: AsyncIterator<Row, undefined>, deps: Partial<RunDeps>) =>
  runImport(
    {
      read: createRowReader(['number', 'amount', 'settled'], mapping),
      sendBatch: async (batch) => batch.map(() => made()),
      send: async () => done(),
      concurrency: 3,
      stop: new AbortController().signal,
      onRow: () => {},
      ...deps,
    },
    rows,
  );

const keysOf = (batch: readonly RowCommands[]) => batch.map(({ commands: [create] }) => create.key);

it('every row is counted once, and every step; the summary names the refused lines', async () => {
  const tally = await run(rowsOf(20), {
    sendBatch: async (batch) =>
      keysOf(batch).map((key): RowOutcome => {
        if (key === 'import:N4') return made(['create']);
        if (key === 'import:N9') return refusedAt('finalize', 'version_conflict', ['create']);
        return key === 'import:N11' ? refusedAt('create', 'validation_failed') : made();
      }),
    send: async ({ key }) => (key === 'import:N12:pay' ? refused('amount_mismatch') : done()),
  });
  expect(tally).toMatchObject({ rows: 20, created: 16, replayed: 1, refused: 3, ended: 'complete' });
  expect(tally.steps).toMatchObject({
    create: { done: 17, replayed: 2 },
    finalize: { done: 18, replayed: 0 },
    pay: { done: 17, replayed: 0 },
  });
  const summary = summaryOf(tally, 1);
  expect(summary).toContain('line 9, finalize: version_conflict: Why.');
  expect(summary).toContain('line 11, create: validation_failed: Why.');
  expect(summary).toContain('line 12, pay: amount_mismatch: Why.');
  expect(exitCodeOf(tally)).toBe(1);
});

it('no more rows are under way than asked for', async () => {
  let underWay = 0;
  let most = 0;
  await run(rowsOf(50), {
    send: async () => {
      most = Math.max(most, (underWay += 1));
      await nextTurn();
      underWay -= 1;
      return done();
    },
  });
  expect(most).toBe(3);
});

it('a request takes 500 rows, half a megabyte, and no key twice', async () => {
  const batches: string[][] = [];
  const sendBatch = async (batch: readonly RowCommands[]) => {
    batches.push(keysOf(batch));
    return batch.map(() => made());
  };
  await run(rowsOf(1_201), { sendBatch });
  expect(batches.map(({ length }) => length)).toEqual([500, 500, 201]);
  batches.length = 0;
  async function* twice(): AsyncGenerator<Row, undefined> {
    yield* rowsOf(3);
    yield* rowsOf(3);
  }
  await run(twice(), { sendBatch });
  expect(batches.map(({ length }) => length)).toEqual([3, 3]);
  batches.length = 0;
  async function* long(): AsyncGenerator<Row, undefined> {
    for (let line = 1; line <= 20; line += 1) yield { line, cells: [`N${line}`, '1'.repeat(60_000), ''], bytes: line };
  }
  await run(long(), { sendBatch });
  expect(batches.map(({ length }) => length)).toEqual([8, 8, 4]);
});

it('an interruption takes no further request, and what follows in its rows is left for the next run', async () => {
  const stop = new AbortController();
  const tally = await run(rowsOf(1_000), {
    stop: stop.signal,
    sendBatch: async (batch) => {
      stop.abort();
      return batch.map(() => made());
    },
    send: async () => ({ kind: 'interrupted' }),
  });
  expect(tally).toMatchObject({ ended: 'interrupted', rows: 501, created: 0, unfinished: 501 });
  expect(exitCodeOf(tally)).toBe(1);
});

it('when the service is gone the import ends instead of waiting three minutes for each row', async () => {
  let asked = 0;
  const send = async () => {
    asked += 1;
    return refused('no_answer');
  };
  const tally = await run(rowsOf(1_000), { send });
  expect(tally).toMatchObject({ ended: 'no_answer', refused: asked });
  expect(asked).toBeLessThan(10);
  const unsent = await run(rowsOf(1_000), {
    sendBatch: async (batch) => batch.map(() => refusedAt('create', 'no_answer')),
  });
  expect(unsent.ended).toBe('no_answer');
  expect(unsent.refused).toBeLessThan(10);
  expect(unsent.refused + unsent.unfinished).toBe(unsent.rows);
});

it('a token that does not count ends the import: it is not told of each row', async () => {
  const tally = await run(rowsOf(1_000), {
    sendBatch: async (batch) => batch.map(() => refusedAt('create', 'invalid_token')),
  });
  expect(tally).toMatchObject({ ended: 'not_allowed', rows: 501 });
  expect(tally.refused).toBeLessThan(10);
  expect(tally.refused + tally.unfinished).toBe(tally.rows);
  expect(exitCodeOf(tally)).toBe(1);
});

it('a file that is broken further down keeps the count of what was done', async () => {
  const tally = await run(rowsOf(5, true), {});
  expect(tally).toMatchObject({ rows: 5, created: 5, ended: 'unreadable', unreadable: 'The file is not valid CSV.' });
  expect(exitCodeOf(tally)).toBe(2);
});
