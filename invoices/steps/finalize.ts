import { z } from 'zod';
import { accepted } from '../../commands/decision.ts';
import { addDays, dateOf } from '../../values/dates.ts';
import { formatAmount } from '../../values/money.ts';
import { PAYMENT_TERM_DAYS, overdueBegins } from '../due.ts';
import { nothing } from '../fields.ts';
import { defineStep } from '../step.ts';

/** INV-21: a draft becomes an invoice with a public number. From now on time counts. */
export const finalize = defineStep({
  from: ['draft'],
  to: ['finalized'],
  pastTense: 'finalized',
  activity: 'finalizeInvoice',
  summary: 'Give a draft its public number',
  description: 'Without a due date it becomes due in 30 days.',
  examples: { nothing: {} },
  body: nothing,
  refusals: {},
  lookUp: async (_asked, _invoice, { overdueAfterMs }) => (overdueAfterMs === undefined ? {} : { overdueAfterMs }),
  decide: (next, { acceptedAt }, { overdueAfterMs }) => {
    const dueDate = next.dueDate ?? addDays(dateOf(acceptedAt), PAYMENT_TERM_DAYS);
    const overdueAt =
      overdueAfterMs === undefined
        ? overdueBegins(dueDate)
        : new Date(Date.parse(acceptedAt) + overdueAfterMs).toISOString();
    return accepted({ ...next, finalizedAt: acceptedAt, dueDate, overdueAt });
  },
  completes: 'number',
  event: {
    name: 'InvoiceFinalized',
    description: 'A draft became an invoice with a public number and a final amount.',
    more: () => ({
      number: z.string().meta({ description: 'The public number, as in the invoice' }),
      finalTotalAmount: z.string().meta({ description: 'The amount, which is final now' }),
    }),
    data: ({ state: { number, amountMinor, currency } }) => {
      if (number === null) throw new TypeError('A finalized invoice lacks its number.');
      return { number, finalTotalAmount: formatAmount(amountMinor, currency) };
    },
  },
});
