/**
 * The statements of a step's transaction. They are written by hand and few: on a machine of two cores the round trips,
 * not the work of Postgres, were two thirds of a step's time.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { v7 as uuidv7 } from 'uuid';
import type { Refusal } from '../domain/errors.ts';
import type { Invoice, Payment } from '../domain/invoice.ts';
import type { WireInvoice } from '../domain/invoice-schema.ts';
import type { Step } from '../domain/lifecycle.ts';
import type { AcceptedStep } from '../events/invoice-facts.ts';
import type { OutboxRow } from '../events/outbox.ts';
import type { TransactionClient } from '../platform/database.ts';
import { type InvoiceRow, fromInvoice, toInvoice } from '../queries/invoice-row.ts';
import type { StepCommand } from '../workflows/contract.ts';

/** An invoice whose row this transaction has locked, and the head of its audit chain. */
export interface LockedInvoice {
  invoice: Invoice;
  auditSequence: number;
  auditHash: string;
}

export interface OpenedStep {
  /** false: the key was taken before, the command has been carried out. */
  claimed: boolean;
  /** What this attempt, or a newer one of the same command, was refused with. */
  told: Refusal | null;
  locked: LockedInvoice | null;
}

type OpenedRow = InvoiceRow & {
  claimed: boolean;
  told: Refusal | null;
  audit_sequence: number;
  audit_hash: string;
};

/**
 * The first statement of a step: inserts the command's key (or waits for the transaction that inserted it) and locks
 * the invoice's row. A refusal comes back too: it is final for this attempt, because Temporal re-applies accepted
 * updates after a reset and the caller has been told the refusal.
 */
export async function openStep(
  tx: TransactionClient,
  step: Step,
  { tenantId, key, fingerprint, attemptId, invoiceId }: StepCommand,
): Promise<OpenedStep> {
  const [row] = await tx.$queryRaw<OpenedRow[]>`
    WITH claim AS (
      INSERT INTO commands (tenant_id, command_key, fingerprint, attempt_id, entity_id, step, recorded_at)
      VALUES (${tenantId}::uuid, ${key}, ${fingerprint}, ${attemptId}, ${invoiceId}::uuid, ${step}, now())
      ON CONFLICT DO NOTHING RETURNING true AS claimed),
    told AS (
      SELECT jsonb_build_object('code', code, 'detail', detail, 'members', members::jsonb) AS told FROM refusals
      WHERE tenant_id = ${tenantId}::uuid AND command_key = ${key} AND fingerprint = ${fingerprint}
        AND attempt_id >= ${attemptId}
      ORDER BY attempt_id LIMIT 1),
    locked AS (
      SELECT * FROM invoices WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid FOR UPDATE)
    SELECT EXISTS (SELECT FROM claim) AS claimed, (SELECT told FROM told) AS told, locked.*
    FROM (VALUES (true)) AS once LEFT JOIN locked ON true`;
  if (!row) throw new TypeError('Opening a step returned no row.');
  const { claimed, told, audit_sequence: auditSequence, audit_hash: auditHash } = row;
  return { claimed, told, locked: row.id ? { invoice: toInvoice(row), auditSequence, auditHash } : null };
}

export type AuditEntry = ReturnType<typeof auditEntry>;

/**
 * The audit entry of a step: who did what, when and why, with the invoice after it. Its hash covers the entry's text
 * and the hash before it, so that a later change of any entry shows.
 */
export function auditEntry(
  locked: LockedInvoice | null,
  step: Step,
  command: StepCommand,
  { invoice, reason }: AcceptedStep,
) {
  const previousHash = locked?.auditHash ?? '';
  const entry = {
    tenant_id: invoice.tenantId,
    entity_type: 'invoice',
    entity_id: invoice.id,
    sequence: (locked?.auditSequence ?? 0) + 1,
    version: invoice.version,
    action: step,
    actor: command.actor,
    at: command.acceptedAt,
    status: invoice.status,
    reason,
    command_key: command.key,
    body: stringify(invoice),
  };
  const hash = createHash('sha256').update(previousHash).update(stringify(entry)).digest('hex');
  return { ...entry, previous_hash: previousHash, hash };
}

export interface StepWrites {
  command: StepCommand;
  answer: WireInvoice;
  invoice: Invoice;
  payment: Payment | null;
  audit: AuditEntry;
  events: readonly OutboxRow[];
}

/** Everything that a step writes, in one statement; the rows come as JSON in the shape of their tables. */
export async function writeStep(tx: TransactionClient, writes: StepWrites): Promise<void> {
  const { tenantId, key } = writes.command;
  const { audit } = writes;
  const invoice = { ...fromInvoice(writes.invoice), audit_sequence: audit.sequence, audit_hash: audit.hash };
  await tx.$executeRaw`
    WITH the_invoice AS (
      INSERT INTO invoices SELECT * FROM jsonb_populate_record(NULL::invoices, ${JSON.stringify(invoice)}::jsonb)
      ON CONFLICT (tenant_id, id) DO UPDATE SET
        name = excluded.name, customer_reference = excluded.customer_reference, status = excluded.status,
        amount_minor = excluded.amount_minor, currency = excluded.currency, due_date = excluded.due_date,
        cashier_id = excluded.cashier_id, number = excluded.number, amount_paid_minor = excluded.amount_paid_minor,
        paid_at = excluded.paid_at, finalized_at = excluded.finalized_at, cancelled_at = excluded.cancelled_at,
        cancel_reason = excluded.cancel_reason, version = excluded.version, updated_at = excluded.updated_at,
        audit_sequence = excluded.audit_sequence, audit_hash = excluded.audit_hash),
    the_payment AS (
      INSERT INTO payments
      SELECT * FROM jsonb_populate_recordset(NULL::payments, ${JSON.stringify(paymentRows(writes))}::jsonb)),
    the_events AS (
      INSERT INTO outbox_events (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value)
      SELECT id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value
      FROM jsonb_populate_recordset(NULL::outbox_events, ${JSON.stringify(writes.events)}::jsonb)),
    the_audit AS (
      INSERT INTO audit_entries
      SELECT * FROM jsonb_populate_record(NULL::audit_entries, ${JSON.stringify(audit)}::jsonb))
    UPDATE commands SET answer = ${JSON.stringify(writes.answer)}
    WHERE tenant_id = ${tenantId}::uuid AND command_key = ${key}`;
}

function paymentRows({ payment, command }: StepWrites) {
  if (!payment) return [];
  return [
    {
      tenant_id: command.tenantId,
      id: uuidv7(),
      invoice_id: payment.invoiceId,
      amount_minor: payment.amountMinor,
      currency: payment.currency,
      method: payment.method,
      reference: payment.reference,
      received_at: payment.receivedAt,
      recorded_at: command.acceptedAt,
    },
  ];
}
