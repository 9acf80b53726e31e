import { z } from 'zod';
import type { BillingRunInput, BillingRunProgress } from '../workflows/contract/billing-run.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { type Sql, sql } from '../platform/sql.ts';

/** Drafts that a run has still to look at: due on its day or before, and not refused in it. */
export const dueDrafts = ({ tenantId, businessDate }: BillingRunInput): Sql => sql`
  FROM invoices WHERE tenant_id = ${tenantId}::uuid AND status = 'draft' AND due_date <= ${businessDate}::date
    AND NOT EXISTS (SELECT FROM billing_run_refusals refused WHERE refused.tenant_id = invoices.tenant_id
      AND refused.business_date = ${businessDate}::date AND refused.invoice_id = invoices.id)`;

const progressRow = z.object({ finalized: z.int(), refused: z.int(), left: z.bigint() });

export async function billingRunProgress(database: Database, run: BillingRunInput): Promise<BillingRunProgress> {
  const [row] = await queryRows(database, progressRow)`
    SELECT finalized, refused, (SELECT count(*) ${dueDrafts(run)}) AS "left"
    FROM billing_runs WHERE tenant_id = ${run.tenantId}::uuid AND business_date = ${run.businessDate}::date`;
  return { finalized: row?.finalized ?? 0, refused: row?.refused ?? 0, left: Number(row?.left ?? 0) };
}

export interface BillingRun {
  businessDate: string;
  startedAt: string;
  endedAt: string | null;
  finalized: number;
  refused: number;
  /** What asked for it, the first one first. */
  requests: { actor: string; market: string | null; region: string | null; requestedAt: string }[];
  /** At most REFUSALS_MAX of them. */
  refusals: { invoiceId: string; code: string; detail: string }[];
}

const REQUESTS_MAX = 100;
const REFUSALS_MAX = 1_000;

export async function billingRunOf(
  database: Database,
  { tenantId, businessDate }: BillingRunInput,
): Promise<BillingRun | null> {
  const row = await database.billingRun.findUnique({
    where: { tenantId_businessDate: { tenantId, businessDate: new Date(businessDate) } },
    include: {
      requests: { orderBy: { requestedAt: 'asc' }, take: REQUESTS_MAX },
      refusals: { orderBy: { invoiceId: 'asc' }, take: REFUSALS_MAX },
    },
  });
  return (
    row && {
      businessDate,
      startedAt: row.startedAt.toISOString(),
      endedAt: row.endedAt?.toISOString() ?? null,
      finalized: row.finalized,
      refused: row.refused,
      requests: row.requests.map(({ actor, market, region, requestedAt }) => ({
        actor,
        market,
        region,
        requestedAt: requestedAt.toISOString(),
      })),
      refusals: row.refusals.map(({ invoiceId, code, detail }) => ({ invoiceId, code, detail })),
    }
  );
}

const totalRow = z.object({ currency: z.string(), amountMinor: z.bigint(), count: z.bigint() });
const dueDraftRow = z.object({
  id: z.string(),
  name: z.string(),
  currency: z.string(),
  amountMinor: z.bigint(),
  dueDate: z.date(),
});

export interface DryRun {
  count: number;
  totals: { currency: string; amountMinor: bigint }[];
  /** The first DRY_RUN_ITEMS_MAX of them. */
  items: z.infer<typeof dueDraftRow>[];
}

const DRY_RUN_ITEMS_MAX = 200;

/** What a run would finalize, without changing anything. */
export async function dryRun(database: Database, run: BillingRunInput): Promise<DryRun> {
  const totals = await queryRows(database, totalRow)`
    SELECT currency, sum(amount_minor)::bigint AS "amountMinor", count(*) AS count ${dueDrafts(run)}
    GROUP BY currency ORDER BY currency`;
  const items = await queryRows(database, dueDraftRow)`
    SELECT id, name, currency, amount_minor AS "amountMinor", due_date AS "dueDate" ${dueDrafts(run)}
    ORDER BY due_date, id LIMIT ${DRY_RUN_ITEMS_MAX}`;
  return { count: totals.reduce((sum, { count }) => sum + Number(count), 0), totals, items };
}

/** The keys of a run's commands begin with it. */
export const RUN_KEY = 'run:';

const finalizedRow = z.object({ entity_id: z.string() });

/** Which of these invoices a run, of any day, has finalized; the audit trail knows it by the invoice. */
export async function finalizedByRuns(
  database: Database | TransactionClient,
  tenantId: string,
  invoiceIds: readonly string[],
): Promise<string[]> {
  const rows = await queryRows(database, finalizedRow)`
    SELECT entity_id FROM audit_entries WHERE tenant_id = ${tenantId}::uuid AND entity_type = 'invoice'
      AND entity_id = ANY(${invoiceIds}::uuid[]) AND action = 'finalize' AND starts_with(command_key, ${RUN_KEY})`;
  return rows.map(({ entity_id: id }) => id);
}

const tenantRow = z.object({ tenant_id: z.string() });

/** Tenants with drafts that are due on the day or before it. */
export async function tenantsWithDueDrafts(database: Database, businessDate: string): Promise<string[]> {
  const rows = await queryRows(database, tenantRow)`
    SELECT DISTINCT tenant_id FROM invoices WHERE status = 'draft' AND due_date <= ${businessDate}::date
    ORDER BY tenant_id`;
  return rows.map(({ tenant_id: tenantId }) => tenantId);
}
