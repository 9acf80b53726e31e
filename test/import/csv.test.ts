import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCsv } from '../../operations/import/csv.ts';
import { ImportError, type Row } from '../../operations/import/rows.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'billing-csv-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(text: string) {
  const file = path.join(folder, 'rows.csv');
  writeFileSync(file, text);
  const { headers, rows } = await openCsv(file);
  const all: Row[] = [];
  for (let next = await rows.next(); !next.done; next = await rows.next()) all.push(next.value);
  return { headers, rows: all };
}

// A refusal that names the wrong line sends its reader to the wrong invoice.
it.each(['\n', '\r\n'])(
  'a row’s line is the one an editor shows, with empty lines and breaks in cells (%j)',
  async (end) => {
    const { headers, rows } = await read(['\uFEFFnumber,name', 'a,1', '', `b,"two${end}lines"`, 'c,3'].join(end));
    expect(headers).toEqual(['number', 'name']);
    expect(rows.map(({ line, cells }) => [line, cells[0]])).toEqual([
      [2, 'a'],
      [4, 'b'],
      [6, 'c'],
    ]);
  },
);

it('a row with too many cells is read as it is, so that only this row is refused', async () => {
  const { rows } = await read('number,name\na,1,x\nb,2\n');
  expect(rows.map(({ cells }) => cells.length)).toEqual([3, 2]);
});

it.each([
  ['an empty file', ''],
  ['a quote that is not closed', 'number,name\na,"1\nb,2\n'],
  ['a row without end', `number,name\na,"${'x'.repeat(100_000)}`],
])('%s is an error for people', async (_case, text) => {
  await expect(read(text)).rejects.toThrow(ImportError);
});

it('a file that is not there, or a folder, is an error for people', async () => {
  await expect(openCsv(path.join(folder, 'none.csv'))).rejects.toThrow(ImportError);
  await expect(openCsv(folder)).rejects.toThrow(ImportError);
});
