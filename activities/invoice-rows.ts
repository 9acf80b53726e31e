/** Between the rows of Postgres and the invoice of the rules. */
import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import type { Invoice } from '../domain/invoice.ts';
import type { Step } from '../domain/lifecycle.ts';
import type { AcceptedStep } from '../events/invoice-facts.ts';
import type { TransactionClient } from '../platform/database.ts';
import { type InvoiceRow, toInvoice } from '../queries/invoice-row.ts';
import type { StepCommand } from '../workflows/contract.ts';

/** An invoice whose row this transaction has locked, and the head of its audit chain. */
export interface LockedInvoice {
  invoice: Invoice;
  auditSequence: number;
  auditHash: string;
}

/** Locks the invoice's row until the transaction ends; null when there is none. */
export async function lockInvoice(
  tx: TransactionClient,
  { tenantId, invoiceId }: { tenantId: string; invoiceId: string },
): Promise<LockedInvoice | null> {
  const [row] = await tx.$queryRaw<(InvoiceRow & { audit_sequence: number; audit_hash: string })[]>`
    SELECT * FROM invoices WHERE tenant_id = ${tenantId}::uuid AND id = ${invoiceId}::uuid FOR UPDATE`;
  return row ? { invoice: toInvoice(row), auditSequence: row.audit_sequence, auditHash: row.audit_hash } : null;
}

/** The columns of an invoice's row, without the head of its audit chain. */
export const invoiceColumns = ({ amountMinor, amountPaidMinor, dueDate, ...invoice }: Invoice) => ({
  ...invoice,
  amountMinor: BigInt(amountMinor),
  amountPaidMinor: BigInt(amountPaidMinor),
  dueDate: dueDate === null ? null : new Date(`${dueDate}T00:00:00Z`),
});

/**
 * The audit row of a step: who did what, when and why, with the invoice after it. Its hash covers the row's text and
 * the hash before it, so that a later change of any row shows.
 */
export function auditRow(
  locked: LockedInvoice | null,
  step: Step,
  command: StepCommand,
  { invoice, reason }: AcceptedStep,
) {
  const previousHash = locked?.auditHash ?? '';
  const row = {
    tenantId: invoice.tenantId,
    entityType: 'invoice',
    entityId: invoice.id,
    sequence: (locked?.auditSequence ?? 0) + 1,
    version: invoice.version,
    action: step,
    actor: command.actor,
    at: command.acceptedAt,
    status: invoice.status,
    reason,
    commandKey: command.key,
    body: stringify(invoice),
  };
  const hash = createHash('sha256').update(previousHash).update(stringify(row)).digest('hex');
  return { ...row, previousHash, hash };
}
