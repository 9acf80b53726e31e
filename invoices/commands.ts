/** What every command about an invoice has in common, and what each needs beside the invoice. */
import type { InvoiceEvent } from '../commands/domain-events.ts';
import { type Facts, type Invoice, decide, formatInvoiceNumber, touchesCashier } from './invoice.ts';
import type { WireInvoice } from './schemas.ts';
import { toWire } from './wire.ts';
import type { Action } from './lifecycle.ts';
import type { TransactionClient } from '../platform/database.ts';
import { currenciesOf } from '../cashiers/row.ts';
import { paymentWithReference } from './payment-with-reference.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { invoiceKind } from '../commands/entity-kinds.ts';
import type { Plan } from '../commands/command.ts';

export type InvoicePlan<S extends Action> = Plan<Invoice, InvoiceEvent, StepCommand<S>, Facts, WireInvoice>;

/** The plan of a step; what a step needs beside it is added by its activity. */
export const invoicePlan = <S extends Action>(step: S): InvoicePlan<S> => ({
  kind: invoiceKind,
  step,
  entityId: ({ invoiceId }) => invoiceId,
  decide: (state, command, facts) => decide(state, { step, ...command }, facts),
  answer: (invoice, { acceptedAt }) => toWire(invoice, acceptedAt),
});

/** The cashier that the invoice would have after a create or an update, and what he accepts (INV-04). */
export async function readCashier(
  tx: TransactionClient,
  { tenantId, body }: StepCommand<'create'> | StepCommand<'update'>,
  state: Invoice | null,
): Promise<Facts> {
  const cashierId = body.cashierId === undefined ? (state?.cashierId ?? null) : body.cashierId;
  if (cashierId === null || !touchesCashier(body)) return {};
  const known = await tx.cashier.findUnique({ where: { tenantId_id: { tenantId, id: cashierId } } });
  return { cashier: known && { currencies: await currenciesOf(tx, tenantId, cashierId) } };
}

/** The payment of the tenant that has this reference already decides whether it is a new one (INV-41). */
export const readPayment = async (tx: TransactionClient, { tenantId, body }: StepCommand<'pay'>): Promise<Facts> => ({
  paymentWithReference: await paymentWithReference(tx, tenantId, body.reference),
});

/**
 * Finalizing draws the public numbers, as the last lock of the transaction: gap-free per tenant and year (INV-21).
 * All commands are of one tenant and one year.
 */
export async function drawNumbers(
  tx: TransactionClient,
  invoices: readonly Invoice[],
  [command]: readonly StepCommand<'finalize'>[],
): Promise<Invoice[]> {
  if (!command) return [];
  const year = new Date(command.acceptedAt).getUTCFullYear();
  const [row] = await tx.$queryRaw<{ last_number: number }[]>`
    INSERT INTO invoice_numbers (tenant_id, year, last_number)
    VALUES (${command.tenantId}::uuid, ${year}, ${invoices.length})
    ON CONFLICT (tenant_id, year) DO UPDATE SET last_number = invoice_numbers.last_number + excluded.last_number
    RETURNING last_number`;
  if (!row) throw new TypeError('The number counter returned no row.');
  const before = row.last_number - invoices.length;
  return invoices.map((invoice, index) => ({ ...invoice, number: formatInvoiceNumber(year, before + index + 1) }));
}
