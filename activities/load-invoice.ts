import { INTERNAL_ERROR, type Interventions } from '../workflows/contract/common.ts';
import { DETAILS_STEPS, type InvoiceInput, type InvoiceView } from '../workflows/contract/invoice.ts';
import { recordOnInvoice } from '../invoices/interventions.ts';
import { ApplicationFailure } from '@temporalio/common';
import { openAmountMinor } from '../invoices/invoice.ts';
import { toWire } from '../invoices/wire.ts';
import { timersOf } from '../invoices/timers.ts';
import type { Database } from '../platform/database.ts';
import { isInfrastructureFailure } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { invoiceById } from '../invoices/by-id.ts';
import { invoiceHistory } from '../invoices/history.ts';

/**
 * What a workflow shows of an invoice that exists already, after what people have stopped was recorded; null when there
 * is none.
 */
export const createLoadInvoice =
  (deps: { database: Database; logger: Logger }) =>
  async ({ tenantId, invoiceId, interventions = [] }: InvoiceInput & Interventions): Promise<InvoiceView | null> => {
    try {
      if (interventions.length > 0 && !(await recordOnInvoice(deps.database, { tenantId, invoiceId }, interventions)))
        deps.logger.warn(
          { tenantId, invoiceId, interventions },
          'a person has stopped an attempt at an invoice that is not there',
        );
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
