/** Breaks a row on purpose, with SQL of its own, and mends it again. */
import type { Database } from '../../platform/database.ts';

export interface Planted {
  /** What the findings must name; several are separated by `|`. */
  id: string;
  undo: () => Promise<unknown>;
}

/** Changes columns of one row, and back. `set` is what stands behind SET. */
export async function changed(
  database: Database,
  table: string,
  where: string,
  set: string,
  id: string,
): Promise<Planted> {
  const before = await rowOf(database, table, where);
  await database.$executeRawUnsafe(`UPDATE ${table} SET ${set} WHERE ${where}`);
  const columns = [...set.matchAll(/(?:^|, )(\w+) = /g)].map(([, name]) => name).join(', ');
  return {
    id,
    undo: () =>
      database.$executeRawUnsafe(`UPDATE ${table} SET (${columns}) = (SELECT ${columns}
        FROM jsonb_populate_record(NULL::${table}, $$${JSON.stringify(before)}$$::jsonb)) WHERE ${where}`),
  };
}

/** Deletes a row, and puts it back. */
export async function removed(database: Database, table: string, where: string, id: string): Promise<Planted> {
  const before = await rowOf(database, table, where);
  await database.$executeRawUnsafe(`DELETE FROM ${table} WHERE ${where}`);
  return {
    id,
    undo: () =>
      database.$executeRawUnsafe(
        `INSERT INTO ${table} SELECT * FROM jsonb_populate_record(NULL::${table}, $$${JSON.stringify(before)}$$::jsonb)`,
      ),
  };
}

/** The one row that a query gives. */
export async function oneRow<T>(database: Database, query: string): Promise<T> {
  const [found, ...more] = await database.$queryRawUnsafe<T[]>(query);
  if (found === undefined || more.length > 0) throw new Error(`Not one row comes of: ${query}`);
  return found;
}

const rowOf = async (database: Database, table: string, where: string): Promise<object> =>
  (await oneRow<{ row: object }>(database, `SELECT to_jsonb(t) AS row FROM ${table} t WHERE ${where}`)).row;
