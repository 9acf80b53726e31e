/**
 * Rows of raw statements. What a statement in SQL gives is checked against the shape that the code believes in: the two
 * stand in different languages, and meet only here.
 */
import { z } from 'zod';
import type { Database, TransactionClient } from './database.ts';

/** A row that is read whole: by the names of its columns, of which its reader knows more. */
export const wholeRow = z.record(z.string(), z.unknown());

/** A tag that gives the rows of its statement. Throws a TypeError when one of them is not as `row` says. */
export const queryRows =
  <S extends z.ZodType>(on: Database | TransactionClient, row: S) =>
  async (strings: TemplateStringsArray, ...values: unknown[]): Promise<z.output<S>[]> =>
    parseRows(row, await on.$queryRaw<unknown[]>(strings, ...values));

/** The same for rows that come out of `$transaction([...])`, which takes only Prisma's own promises. */
export function parseRows<S extends z.ZodType>(row: S, rows: unknown): z.output<S>[] {
  if (!Array.isArray(rows)) throw new TypeError('A statement gave no rows.');
  return rows.map((one: unknown) => {
    const { success, data, error } = row.safeParse(one);
    // The names of columns and what they should hold, never what they hold.
    if (!success)
      throw new TypeError(`A statement gave another row than its reader expects:\n${z.prettifyError(error)}`);
    return data;
  });
}
