/**
 * The list of a tenant's invoices, newest first, by any of its filters, in a bounded time however many there are.
 *
 * Filters that an index holds together with the order are answered by it alone. What is left is looked for piece by
 * piece, and when the time is up, the page ends where the search has come to: it may be short, or empty, and its
 * position goes on from there. A due date is in no index that has the order, so where few are due in the days asked
 * for, those are read and sorted.
 */
import { z } from 'zod';
import type { Invoice } from './lifecycle.ts';
import { toInvoice } from './entity.ts';
import type { ListInvoices } from './schemas.ts';
import type { Database } from '../platform/database.ts';
import { queryRows, wholeRow } from '../platform/rows.ts';
import { type Sql, sql, sqlAnd } from '../platform/sql.ts';

/** Where a page ends. Rows added later are newer, so they never move a page. */
export interface ListPosition {
  createdAt: string;
  id: string;
}

export interface InvoicePage {
  invoices: Invoice[];
  /** null at the end. */
  next: ListPosition | null;
}

type Filter = Omit<ListInvoices, 'cursor' | 'limit'>;
type FilterName = keyof Filter;

interface Search {
  database: Database;
  limit: number;
  /** The conditions that one index holds together with the order. */
  indexed: readonly Sql[];
  rest: readonly Sql[];
}

/** Well within a statement's limit, which is a request's too. */
const SEARCH_LIMIT_MS = 700;
/** Invoices in the first piece of a search. */
const PIECE = 500;
const PIECE_MAX = 16_000;
/** A piece that took no longer is followed by one of twice the size. */
const QUICK_MS = 50;
/** So many invoices are read and sorted at once. */
const SORTED_MAX = 1_000;

const conditionOf: { [N in FilterName]-?: (value: NonNullable<Filter[N]>) => Sql } = {
  status: (value) => sql`status = ${value}`,
  currency: (value) => sql`currency = ${value}`,
  cashierId: (value) => sql`cashier_id = ${value}::uuid`,
  customerReference: (value) => sql`customer_reference = ${value}`,
  number: (value) => sql`number = ${value}`,
  dueBefore: (value) => sql`due_date < ${value}::date`,
  dueAfter: (value) => sql`due_date > ${value}::date`,
};

/** Each has an index with the tenant before it and the order behind it; the first whose filters are given is used. */
const indexes: readonly (readonly FilterName[])[] = [
  ['number'],
  ['customerReference'],
  ['cashierId'],
  ['status', 'currency'],
  ['status'],
  ['currency'],
];
const dueDates: ReadonlySet<FilterName> = new Set(['dueBefore', 'dueAfter']);

/** One page of a tenant's invoices, newest first, and the position after it. */
export async function listInvoices(
  database: Database,
  tenantId: string,
  { limit, ...filter }: Omit<ListInvoices, 'cursor'>,
  after: ListPosition | null,
  searchLimitMs = SEARCH_LIMIT_MS,
): Promise<InvoicePage> {
  const tenant = sql`tenant_id = ${tenantId}::uuid`;
  const given = (Object.keys(conditionOf) as FilterName[]).filter((name) => filter[name] !== undefined);
  const conditionsOf = (names: readonly FilterName[]) =>
    names.map((name) => (conditionOf[name] as (value: unknown) => Sql)(filter[name]));
  const index = indexes.find((names) => names.every((name) => given.includes(name))) ?? [];
  const rest = given.filter((name) => !index.includes(name));
  const search = { database, limit, indexed: [tenant, ...conditionsOf(index)], rest: conditionsOf(rest) };
  if (rest.length === 0) return pageOf(await read(search, after, limit + 1, limit + 1), limit);
  const due = given.filter((name) => dueDates.has(name));
  const few =
    due.length > 0
      ? await dueThen(search, tenantId, conditionsOf(due), [...conditionsOf(given), ...behind(after)])
      : null;
  return few ? pageOf(few, limit) : pieceByPiece(search, after, searchLimitMs);
}

/** A page of rows of which one more than its limit was asked for. */
function pageOf(invoices: Invoice[], limit: number): InvoicePage {
  const last = invoices[limit - 1];
  return { invoices: invoices.slice(0, limit), next: invoices.length > limit && last ? positionOf(last) : null };
}

const positionOf = ({ createdAt, id }: Invoice): ListPosition => ({ createdAt, id });

const NEWEST_FIRST = sql`ORDER BY created_at DESC, id DESC`;

const behind = (after: ListPosition | null): Sql[] =>
  after ? [sql`(created_at, id) < (${after.createdAt}::timestamptz, ${after.id}::uuid)`] : [];

async function pieceByPiece(search: Search, after: ListPosition | null, limitMs: number): Promise<InvoicePage> {
  const { limit } = search;
  const until = performance.now() + limitMs;
  const found: Invoice[] = [];
  let from = after;
  let size = PIECE;
  for (;;) {
    const startedAt = performance.now();
    const end = await endOfPiece(search, from, size);
    found.push(...(await read(search, from, size, limit + 1 - found.length, end)));
    if (found.length > limit || end === null) return pageOf(found, limit);
    if (performance.now() >= until) return { invoices: found, next: end };
    if (performance.now() - startedAt <= QUICK_MS) size = Math.min(size * 2, PIECE_MAX);
    from = end;
  }
}

const positionRow = z.object({ created_at: z.date(), id: z.string() });

/** The last of the next `size` invoices in the index; null when there are fewer. */
async function endOfPiece(
  { database, indexed }: Search,
  after: ListPosition | null,
  size: number,
): Promise<ListPosition | null> {
  const [row] = await queryRows(database, positionRow)`
    SELECT created_at, id FROM invoices WHERE ${sqlAnd([...indexed, ...behind(after)])}
    ${NEWEST_FIRST} OFFSET ${size - 1} LIMIT 1`;
  return row ? { createdAt: row.created_at.toISOString(), id: row.id } : null;
}

/** Of the next `size` invoices in the index, down to `end`, those that are wanted, at most `count`. */
async function read(
  { database, indexed, rest }: Search,
  after: ListPosition | null,
  size: number,
  count: number,
  end: ListPosition | null = null,
): Promise<Invoice[]> {
  const until = end ? [sql`(created_at, id) >= (${end.createdAt}::timestamptz, ${end.id}::uuid)`] : [];
  const rows = await queryRows(database, wholeRow)`
    SELECT * FROM (
      SELECT * FROM invoices WHERE ${sqlAnd([...indexed, ...behind(after), ...until])}
      ${NEWEST_FIRST} LIMIT ${size}) AS piece
    WHERE ${sqlAnd([sql`TRUE`, ...rest])} ${NEWEST_FIRST} LIMIT ${count}`;
  return rows.map(toInvoice);
}

const fewRow = z.looseObject({ due_count: z.bigint(), id: z.string().nullable() });

/** A page's rows, of those that are due then; null when they are too many to be sorted. */
async function dueThen(
  { database, limit }: Search,
  tenantId: string,
  due: readonly Sql[],
  conditions: readonly Sql[],
): Promise<Invoice[] | null> {
  const rows = await queryRows(database, fewRow)`
    WITH due AS MATERIALIZED (
      SELECT id AS due_id FROM invoices WHERE tenant_id = ${tenantId}::uuid AND ${sqlAnd(due)}
      ORDER BY due_date, id LIMIT ${SORTED_MAX + 1}),
    counted AS (SELECT count(*) AS due_count FROM due)
    SELECT * FROM counted LEFT JOIN LATERAL (
      SELECT invoices.* FROM due JOIN invoices ON tenant_id = ${tenantId}::uuid AND id = due_id
      WHERE due_count <= ${SORTED_MAX} AND ${sqlAnd(conditions)}
      ${NEWEST_FIRST} LIMIT ${limit + 1}) AS found ON TRUE`;
  if (rows.some(({ due_count: count }) => count > SORTED_MAX)) return null;
  return rows.filter(({ id }) => id !== null).map(toInvoice);
}
