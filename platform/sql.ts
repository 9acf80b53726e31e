import { Prisma } from '../prisma/generated/client.ts';

export type Sql = Prisma.Sql;

/** Pieces of a statement; values become parameters, never text. */
export const sql = Prisma.sql;
export const sqlJoin = (pieces: readonly Sql[], separator: string): Sql => Prisma.join([...pieces], separator);
export const sqlAnd = (conditions: readonly Sql[]): Sql => sqlJoin(conditions, ' AND ');
