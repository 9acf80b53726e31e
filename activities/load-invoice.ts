import { ApplicationFailure } from '@temporalio/common';
import { openAmountMinor } from '../domain/invoice.ts';
import { toWire } from '../domain/invoice-wire.ts';
import { timersOf } from '../domain/timers.ts';
import type { Database } from '../platform/database.ts';
import { isInfrastructureFailure } from '../platform/database.ts';
import { invoiceById } from '../queries/invoice-by-id.ts';
import { invoiceHistory } from '../queries/invoice-history.ts';
import { DETAILS_STEPS, INTERNAL_ERROR, type InvoiceInput, type InvoiceView } from '../workflows/contract.ts';

/** What a workflow shows of an invoice that exists already; null when there is none. Reads only. */
export const createLoadInvoice =
  (deps: { database: Database }) =>
  async ({ tenantId, invoiceId }: InvoiceInput): Promise<InvoiceView | null> => {
    try {
      const invoice = await invoiceById(deps.database, tenantId, invoiceId);
      if (!invoice) return null;
      const entries = await invoiceHistory(deps.database, tenantId, invoiceId, { last: DETAILS_STEPS });
      return {
        invoice: toWire(invoice, new Date().toISOString()),
        openAmountMinor: openAmountMinor(invoice),
        entries,
        timers: timersOf(invoice),
      };
    } catch (error) {
      if (isInfrastructureFailure(error))
        throw ApplicationFailure.retryable('The database did not answer.', 'infrastructure');
      throw ApplicationFailure.fromError(error, { type: INTERNAL_ERROR, nonRetryable: true });
    }
  };
