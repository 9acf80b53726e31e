import { Prisma } from '../prisma/generated/client.ts';

/** Pieces of a statement; values become parameters, never text. */
export const sql = Prisma.sql;
export const sqlAnd = (conditions: readonly Prisma.Sql[]): Prisma.Sql => Prisma.join([...conditions], ' AND ');
