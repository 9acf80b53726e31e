/** The schemas of the steps' bodies. */
import { cancel } from '../../invoices/steps/cancel.ts';
import { create } from '../../invoices/steps/create.ts';
import { finalize } from '../../invoices/steps/finalize.ts';
import { pay } from '../../invoices/steps/pay.ts';
import { update } from '../../invoices/steps/update.ts';

export const createInvoiceSchema = create.body();
export const updateInvoiceSchema = update.body();
export const finalizeInvoiceSchema = finalize.body();
export const payInvoiceSchema = pay.body();
export const cancelInvoiceSchema = cancel.body();
