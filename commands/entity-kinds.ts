/** How entities are stored: what a command's transaction locks, reads and writes of each kind. */
import { type Cashier, emailTaken } from '../cashiers/cashier.ts';
import type { CashierEvent, DomainEvent, InvoiceEvent } from './domain-events.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { timersOf } from '../invoices/timers.ts';
import type { AuditHead } from './audit.ts';
import type { TransactionClient } from '../platform/database.ts';
import { type CashierRow, currenciesOf, fromCashier, toCashier } from '../cashiers/row.ts';
import { type InvoiceRow, fromInvoice, toInvoice } from '../invoices/row.ts';
import { type Sql, sql } from '../platform/sql.ts';

/** An entity as a step leaves it. */
export interface Change<State, Event> {
  state: State;
  event: Event;
  audit: AuditHead;
}

export interface EntityKind<State, Event extends DomainEvent> {
  /** Selects the rows that `wanted` names, locked in the order of their ids. */
  lock: Sql;
  load: (tx: TransactionClient, row: object) => Promise<State> | State;
  /** The statements that store the changes, as named parts of one statement. */
  write: (changes: readonly Change<State, Event>[]) => Sql[];
  /** What a violated constraint means to the caller, when it is his doing. */
  refusalOf: (constraint: string) => Refusal | undefined;
}

export const invoiceKind: EntityKind<Invoice, InvoiceEvent> = {
  lock: sql`
    SELECT entity.* FROM invoices entity
    JOIN wanted ON entity.tenant_id = wanted.tenant_id AND entity.id = wanted.entity_id
    ORDER BY entity.tenant_id, entity.id FOR UPDATE OF entity`,
  load: (_tx, row) => toInvoice(row as InvoiceRow),
  write: (changes) => [
    sql`the_invoices AS (
      INSERT INTO invoices
      SELECT * FROM jsonb_populate_recordset(NULL::invoices, ${JSON.stringify(changes.map(invoiceColumns))}::jsonb)
      ON CONFLICT (tenant_id, id) DO UPDATE SET
        name = excluded.name, customer_reference = excluded.customer_reference, status = excluded.status,
        amount_minor = excluded.amount_minor, currency = excluded.currency, due_date = excluded.due_date,
        cashier_id = excluded.cashier_id, number = excluded.number, amount_paid_minor = excluded.amount_paid_minor,
        paid_at = excluded.paid_at, finalized_at = excluded.finalized_at, cancelled_at = excluded.cancelled_at,
        cancel_reason = excluded.cancel_reason, version = excluded.version, updated_at = excluded.updated_at,
        overdue_at = excluded.overdue_at, overdue_told_at = excluded.overdue_told_at,
        reminders_sent = excluded.reminders_sent, next_timer_at = excluded.next_timer_at,
        audit_sequence = excluded.audit_sequence, audit_hash = excluded.audit_hash)`,
  ],
  // Two payments with one reference at the same moment: the loser's insert says so.
  refusalOf: (constraint) =>
    constraint === 'payments_tenant_reference_key'
      ? refusal('payment_reference_used', 'The payment reference belongs to another payment.')
      : undefined,
};

const invoiceColumns = ({ state, audit }: Change<Invoice, InvoiceEvent>) => ({
  ...fromInvoice(state),
  next_timer_at: timersOf(state)[0]?.at ?? null,
  audit_sequence: audit.sequence,
  audit_hash: audit.hash,
});

export const cashierKind: EntityKind<Cashier, CashierEvent> = {
  lock: sql`
    SELECT entity.* FROM cashiers entity
    JOIN wanted ON entity.tenant_id = wanted.tenant_id AND entity.id = wanted.entity_id
    ORDER BY entity.tenant_id, entity.id FOR UPDATE OF entity`,
  // Read after the lock: a list read with the row could be older than the row.
  load: (tx, row) => cashierOf(tx, row as CashierRow),
  write: (changes) => changes.flatMap((change) => writeCashier(change)),
  refusalOf: (constraint) => (constraint === 'cashiers_tenant_email_key' ? emailTaken() : undefined),
};

const cashierOf = async (tx: TransactionClient, row: CashierRow): Promise<Cashier> =>
  toCashier(row, await currenciesOf(tx, row.tenant_id, row.id));

/** A cashier changes alone, so the parts need no names of their own. */
function writeCashier({ state, event, audit }: Change<Cashier, CashierEvent>): Sql[] {
  const { tenantId, id, currencies } = state;
  if (event.name === 'cashierDeleted')
    return [sql`the_cashier AS (DELETE FROM cashiers WHERE tenant_id = ${tenantId}::uuid AND id = ${id}::uuid)`];
  const columns = { ...fromCashier(state), audit_sequence: audit.sequence, audit_hash: audit.hash };
  const cashier = sql`the_cashier AS (
    INSERT INTO cashiers SELECT * FROM jsonb_populate_record(NULL::cashiers, ${JSON.stringify(columns)}::jsonb)
    ON CONFLICT (tenant_id, id) DO UPDATE SET
      name = excluded.name, email = excluded.email, version = excluded.version, updated_at = excluded.updated_at,
      audit_sequence = excluded.audit_sequence, audit_hash = excluded.audit_hash)`;
  if (event.name === 'currencyDropped')
    return [
      cashier,
      sql`the_currency AS (DELETE FROM cashier_currencies
        WHERE tenant_id = ${tenantId}::uuid AND cashier_id = ${id}::uuid AND currency = ${event.currency})`,
    ];
  if (event.name !== 'currencyAccepted') return [cashier];
  const accepted = currencies.find(({ currency }) => currency === event.currency);
  return [
    cashier,
    sql`the_currency AS (
      INSERT INTO cashier_currencies (tenant_id, cashier_id, currency, effective_from)
      VALUES (${tenantId}::uuid, ${id}::uuid, ${event.currency}, ${accepted?.effectiveFrom ?? event.effectiveFrom}::date)
      ON CONFLICT (tenant_id, cashier_id, currency) DO UPDATE SET effective_from = excluded.effective_from)`,
  ];
}
