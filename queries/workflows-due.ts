/** Whose workflow should exist, page by page in the order of a key: a page costs the same however many came before. */
import type { Database } from '../platform/database.ts';
import type { DeadLetterRow } from './dead-letters.ts';

export interface TimedInvoice {
  tenantId: string;
  invoiceId: string;
  /** RFC 3339 */
  nextTimerAt: string;
}

export const countTimedInvoices = (database: Database): Promise<number> =>
  database.invoice.count({ where: { nextTimerAt: { not: null } } });

/** Invoices for which time still has something to tell, the earliest first. */
export async function timedInvoices(
  database: Database,
  after: TimedInvoice | null,
  limit: number,
): Promise<TimedInvoice[]> {
  const from = after ?? { nextTimerAt: '-infinity', tenantId: NIL, invoiceId: NIL };
  const rows = await database.$queryRaw<{ tenant_id: string; id: string; next_timer_at: Date }[]>`
    SELECT tenant_id, id, next_timer_at FROM invoices
    WHERE next_timer_at IS NOT NULL
      AND (next_timer_at, tenant_id, id) > (${from.nextTimerAt}::timestamptz, ${from.tenantId}::uuid, ${from.invoiceId}::uuid)
    ORDER BY next_timer_at, tenant_id, id LIMIT ${limit}`;
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    invoiceId: row.id,
    nextTimerAt: row.next_timer_at.toISOString(),
  }));
}

export const countUndecidedLetters = (database: Database): Promise<number> =>
  database.deadLetter.count({ where: { resolvedAt: null } });

/** Dead letters that nobody has decided, the oldest first: their ids are made in the order of time. */
export const undecidedLetters = (
  database: Database,
  after: DeadLetterRow | null,
  limit: number,
): Promise<DeadLetterRow[]> =>
  database.deadLetter.findMany({
    where: { resolvedAt: null, ...(after ? { id: { gt: after.id } } : {}) },
    orderBy: { id: 'asc' },
    take: limit,
  });

export interface OpenRun {
  tenantId: string;
  /** YYYY-MM-DD */
  businessDate: string;
}

export const countOpenRuns = (database: Database): Promise<number> =>
  database.billingRun.count({ where: { endedAt: null } });

/** Billing runs that have not ended. */
export async function openRuns(database: Database, after: OpenRun | null, limit: number): Promise<OpenRun[]> {
  const from = after ?? { tenantId: NIL, businessDate: '-infinity' };
  return database.$queryRaw<OpenRun[]>`
    SELECT tenant_id AS "tenantId", to_char(business_date, 'YYYY-MM-DD') AS "businessDate" FROM billing_runs
    WHERE ended_at IS NULL AND (tenant_id, business_date) > (${from.tenantId}::uuid, ${from.businessDate}::date)
    ORDER BY tenant_id, business_date LIMIT ${limit}`;
}

const NIL = '00000000-0000-0000-0000-000000000000';
