import { Prisma } from '../prisma/generated/client.ts';

export type Sql = Prisma.Sql;

/** Pieces of a statement; values become parameters, never text. */
export const sql = Prisma.sql;
export const sqlJoin = (pieces: readonly Sql[], separator: string): Sql => Prisma.join([...pieces], separator);
export const sqlAnd = (conditions: readonly Sql[]): Sql => sqlJoin(conditions, ' AND ');

/** The name of a table or a column, which our own definitions say. Throws a TypeError for what is no plain name. */
export function sqlName(name: string): Sql {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new TypeError(`${name} is no name of a table or a column.`);
  return Prisma.raw(name);
}
