import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ImportError, type Row, createRowReader } from '../../operations/import/rows.ts';
import { type RunDeps, runImport } from '../../operations/import/run.ts';
import type { SendOutcome } from '../../operations/import/send.ts';
import { exitCodeOf, summaryOf } from '../../operations/import/summary.ts';

const done = (replayed = false): SendOutcome => ({ kind: 'done', invoiceId: 'inv', replayed });
const refused = (code: string): SendOutcome => ({ kind: 'refused', code, detail: 'Why.', errors: [] });
const mapping = { columns: {}, currency: 'EUR', finalize: true, settle: false };

async function* rowsOf(count: number, broken = false): AsyncGenerator<Row, undefined> {
  for (let line = 2; line < count + 2; line += 1) yield { line, cells: [`N${line}`, '1'], bytes: line };
  if (broken) throw new ImportError('The file is not valid CSV.');
}

const run = (rows: AsyncIterator<Row, undefined>, deps: Partial<RunDeps>) =>
  runImport(
    {
      read: createRowReader(['number', 'amount'], mapping),
      send: async () => done(),
      concurrency: 3,
      stop: new AbortController().signal,
      onRow: () => {},
      ...deps,
    },
    rows,
  );

it('every row is counted once, and every step; the summary names the refused lines', async () => {
  const tally = await run(rowsOf(20), {
    send: async ({ step, key }) => {
      if (key === 'import:N9:finalize') return refused('version_conflict');
      return done(step === 'create' && key === 'import:N4');
    },
  });
  expect(tally).toMatchObject({ rows: 20, created: 18, replayed: 1, refused: 1, ended: 'complete' });
  expect(tally.steps).toMatchObject({ create: { done: 19, replayed: 1 }, finalize: { done: 19, replayed: 0 } });
  expect(summaryOf(tally, 1)).toContain('line 9, finalize: version_conflict: Why.');
  expect(exitCodeOf(tally)).toBe(1);
});

it('no more rows are taken than are under way', async () => {
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

it('an interruption takes no further row and finishes those under way', async () => {
  const stop = new AbortController();
  const tally = await run(rowsOf(1_000), { stop: stop.signal, onRow: () => stop.abort() });
  expect(tally.ended).toBe('interrupted');
  expect(tally.rows).toBe(3);
  expect(tally.created).toBe(3);
  expect(exitCodeOf(tally)).toBe(1);
});

it('when the service is gone the import ends instead of waiting three minutes for each row', async () => {
  const tally = await run(rowsOf(1_000), { send: async () => refused('no_answer') });
  expect(tally.ended).toBe('no_answer');
  expect(tally.rows).toBeLessThan(10);
});

it('a file that is broken further down keeps the count of what was done', async () => {
  const tally = await run(rowsOf(5, true), {});
  expect(tally).toMatchObject({ rows: 5, created: 5, ended: 'unreadable', unreadable: 'The file is not valid CSV.' });
  expect(exitCodeOf(tally)).toBe(2);
});
