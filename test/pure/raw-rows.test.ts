/** What raw statements give is checked where it is read, and nowhere believed. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseRows } from '../../platform/rows.ts';

const projectFolder = path.join(import.meta.dirname, '../..');
const { include } = JSON.parse(readFileSync(path.join(projectFolder, 'tsconfig.build.json'), 'utf8')) as {
  include: string[];
};

/** Of what serves and operates; benchmarks believe what they ask. */
const files = include
  .filter((folder) => folder !== 'bench' && !folder.startsWith('prisma'))
  .flatMap((folder) =>
    readdirSync(path.join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );

const sequenceRow = z.object({ stream: z.string(), last_sequence: z.bigint() });

function refusalOf(rows: unknown): unknown {
  try {
    return parseRows(sequenceRow, rows);
  } catch (error) {
    return error;
  }
}

describe('rows of raw statements', () => {
  it('are typed by hand in no file but the one that parses them', () => {
    const typed = files.filter((file) => readFileSync(path.join(projectFolder, file), 'utf8').includes('$queryRaw<'));
    expect(typed).toEqual(['platform/rows.ts']);
  });

  it('are given as their schema says', () => {
    expect(parseRows(sequenceRow, [{ stream: 'invoices|1', last_sequence: 7n }])).toEqual([
      { stream: 'invoices|1', last_sequence: 7n },
    ]);
  });

  it.each([
    ['lacks a column', { stream: 'a secret' }, 'last_sequence'],
    ['has another name for a column', { stream: 'a secret', lastSequence: 7n }, 'last_sequence'],
    ['holds another type in a column', { stream: 'a secret', last_sequence: 'a secret' }, 'last_sequence'],
    ['holds null where none is expected', { stream: null, last_sequence: 7n }, 'stream'],
  ])('are refused when one %s: the column is named, and what it holds is not', (_what, row, column) => {
    const refusal = refusalOf([{ stream: 'invoices|1', last_sequence: 1n }, row]);
    expect(refusal).toBeInstanceOf(TypeError);
    const { message } = refusal as TypeError;
    expect(message).toContain('another row than its reader expects');
    expect(message).toContain(`at ${column}`);
    expect(message).not.toContain('secret');
  });

  it('are refused when there are none to read', () => {
    expect(refusalOf(undefined)).toBeInstanceOf(TypeError);
  });
});
