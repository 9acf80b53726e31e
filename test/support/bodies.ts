/** The schemas of the steps' bodies. */
import type { z } from 'zod';
import { cashierSteps } from '../../cashiers/lifecycle.ts';
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

function requestOf<Sent>(step: { request?: { schema: z.ZodType<Sent> } }): z.ZodType<Sent> {
  if (!step.request) throw new TypeError('The step takes no body.');
  return step.request.schema;
}
export const createCashierSchema = requestOf(cashierSteps.create);
export const updateCashierSchema = requestOf(cashierSteps.update);
export const acceptCurrencySchema = requestOf(cashierSteps.acceptCurrency);
