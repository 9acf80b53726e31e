/**
 * Public numbers: per tenant and year 1..last_number, each once, and on what was finalized in that year only (INV-21).
 */
import { z } from 'zod';
import { formatInvoiceNumber } from '../../invoices/number.ts';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { sql } from '../../platform/sql.ts';
import { type Check, NO_KEY, PAGE, type Tally, type World, ofTenants, pages } from './check.ts';

const tenantRow = z.object({ tenant_id: z.string() });
type Tenant = z.infer<typeof tenantRow>;

const counterRow = tenantRow.extend({
  year: z.int(),
  /** null: numbers were given, but there is no counter. */
  last_number: z.int().nullable(),
  given: z.bigint(),
  different: z.bigint(),
  lowest: z.bigint().nullable(),
  highest: z.bigint().nullable(),
});
type Counter = z.infer<typeof counterRow>;

const misplacedRow = z.object({
  id: z.string(),
  number: z.string().nullable(),
  status: z.string(),
  finalized_at: z.date().nullable(),
});
type Misplaced = z.infer<typeof misplacedRow>;

/** Of a counter, so many ranges of missing numbers, and so many duplicates, are named. */
const NAMED_MAX = 20;

export const numbers: Check = {
  name: 'numbers',
  run: async (world, tally) => {
    for await (const tenants of pages((after: Tenant | null) =>
      tenantsAfter(world, after?.tenant_id ?? NO_KEY.tenant_id),
    )) {
      const ids = tenants.map(({ tenant_id: id }) => id);
      for (const { id, number, status, finalized_at: at } of await misplaced(world.database, ids))
        tally.found(
          id,
          `is ${status}, finalized at ${at?.toISOString() ?? 'no time'}, with the number ${number ?? 'none'}`,
        );
      for (const counter of await counters(world.database, ids)) await checkCounter(world.database, counter, tally);
    }
  },
};

const tenantsAfter = (world: World, after: string): Promise<Tenant[]> =>
  queryRows(world.database, tenantRow)`
    (SELECT DISTINCT tenant_id FROM invoices
     WHERE tenant_id > ${after}::uuid AND ${ofTenants(world, sql`tenant_id`)} ORDER BY 1 LIMIT ${PAGE})
    UNION
    (SELECT DISTINCT tenant_id FROM invoice_numbers
     WHERE tenant_id > ${after}::uuid AND ${ofTenants(world, sql`tenant_id`)} ORDER BY 1 LIMIT ${PAGE})
    ORDER BY 1 LIMIT ${PAGE}`;

const FORM = '^INV-[0-9]{4}-[0-9]{6,}$';

/** What has a number and should not, has none and should, or has one that is no number of its year. */
const misplaced = (database: Database, tenants: readonly string[]): Promise<Misplaced[]> =>
  queryRows(database, misplacedRow)`
    SELECT id, number, status::text, finalized_at FROM invoices
    WHERE tenant_id = ANY(${[...tenants]}::uuid[])
      AND ((number IS NULL) <> (finalized_at IS NULL)
        OR (number IS NULL AND status IN ('finalized', 'paid')) OR (number IS NOT NULL AND status = 'draft')
        OR number !~ ${FORM}
        OR split_part(number, '-', 2) <> to_char(finalized_at AT TIME ZONE 'UTC', 'YYYY'))
    LIMIT ${PAGE}`;

/** Counters with what was given, in one statement: as of one instant. */
const counters = (database: Database, tenants: readonly string[]): Promise<Counter[]> =>
  queryRows(database, counterRow)`
    WITH given AS (
      SELECT tenant_id, split_part(number, '-', 2)::int AS year, split_part(number, '-', 3)::bigint AS n FROM invoices
      WHERE tenant_id = ANY(${[...tenants]}::uuid[]) AND number ~ ${FORM}),
    summed AS (
      SELECT tenant_id, year, count(*) AS given, count(DISTINCT n) AS different, min(n) AS lowest, max(n) AS highest
      FROM given GROUP BY tenant_id, year),
    counted AS (SELECT * FROM invoice_numbers WHERE tenant_id = ANY(${[...tenants]}::uuid[]))
    SELECT tenant_id, year, counted.last_number, coalesce(given, 0) AS given, coalesce(different, 0) AS different,
           lowest, highest
    FROM counted FULL JOIN summed USING (tenant_id, year) ORDER BY tenant_id, year`;

async function checkCounter(database: Database, counter: Counter, { saw, found }: Tally): Promise<void> {
  const { tenant_id: tenantId, year, last_number: last, given, different, lowest, highest } = counter;
  saw('counters');
  saw('numbers', Number(given));
  const id = `${tenantId}, ${year}`;
  if (BigInt(last ?? 0) !== (highest ?? 0n))
    found(id, `the counter is at ${last ?? 'nothing'}, the highest number is ${highest ?? 'none'}`);
  if (different !== given) await nameDuplicates(database, counter, found);
  if (given > 0n && (lowest !== 1n || highest !== different)) await nameMissing(database, counter, found);
}

const duplicateRow = z.object({ number: z.string(), ids: z.array(z.string()) });

async function nameDuplicates(database: Database, { tenant_id: tenantId, year }: Counter, found: Tally['found']) {
  const rows = await queryRows(database, duplicateRow)`
    SELECT number, array_agg(id::text ORDER BY id) AS ids FROM invoices
    WHERE tenant_id = ${tenantId}::uuid AND number LIKE ${`INV-${year}-%`}
    GROUP BY number HAVING count(*) > 1 ORDER BY number LIMIT ${NAMED_MAX}`;
  for (const { number, ids } of rows) found(`${tenantId}, ${number}`, `was given to ${ids.join(' and ')}`);
}

const rangeRow = z.object({ first: z.bigint(), last: z.bigint() });

/** As ranges: one number that is far too high leaves thousands behind it. */
async function nameMissing(database: Database, { tenant_id: tenantId, year }: Counter, found: Tally['found']) {
  const ranges = await queryRows(database, rangeRow)`
    WITH given AS (
      SELECT split_part(number, '-', 3)::bigint AS n FROM invoices
      WHERE tenant_id = ${tenantId}::uuid AND number LIKE ${`INV-${year}-%`} AND number ~ ${FORM}
      UNION SELECT 0),
    followed AS (SELECT n, lead(n) OVER (ORDER BY n) AS next FROM given)
    SELECT n + 1 AS first, next - 1 AS last FROM followed WHERE next > n + 1 ORDER BY n LIMIT ${NAMED_MAX}`;
  const named = (n: bigint) => formatInvoiceNumber(year, Number(n));
  for (const { first, last } of ranges) {
    if (first === last) found(`${tenantId}, ${named(first)}`, 'was given to no invoice');
    else found(`${tenantId}, ${named(first)} to ${named(last)}`, 'were given to no invoice');
  }
}

const lastNumberRow = tenantRow.extend({ year: z.int(), last_number: z.int() });

/** The counters of the tenants that are named: is the number that each has given last there? Costs a look-up each. */
export async function checkLastNumbers(
  database: Database,
  tenants: readonly string[],
  { found }: Tally,
): Promise<void> {
  const rows = await queryRows(database, lastNumberRow)`
    SELECT tenant_id, year, last_number FROM invoice_numbers
    WHERE tenant_id = ANY(${[...tenants]}::uuid[]) AND NOT EXISTS (
      SELECT FROM invoices WHERE invoices.tenant_id = invoice_numbers.tenant_id
        AND number = 'INV-' || year || '-' || lpad(last_number::text, greatest(6, length(last_number::text)), '0'))`;
  for (const { tenant_id: tenantId, year, last_number: last } of rows)
    found(`${tenantId}, ${year}`, `the counter is at ${last}, and no invoice has that number`);
}
