import { z } from 'zod';
import { accepted } from '../../commands/decision.ts';
import { manyLines } from '../../values/schema.ts';
import { invoiceTexts } from '../../values/text.ts';
import { defineStep } from '../step.ts';

export interface CancelBody {
  reason: string | null;
}

/** INV-30: nothing is to be paid any more. A finalized invoice keeps its number. */
export const cancel = defineStep({
  from: ['draft', 'finalized'],
  to: ['cancelled'],
  pastTense: 'cancelled',
  activity: 'cancelInvoice',
  summary: 'Cancel a draft or a finalized invoice',
  examples: { reason: { reason: 'Ordered twice' } },
  body: () =>
    z
      .strictObject({
        reason: manyLines(...invoiceTexts.reason)
          .nullish()
          .meta({ description: 'Kept in history and event', example: 'Ordered twice' }),
      })
      .optional()
      .transform((body): CancelBody => ({ reason: body?.reason ?? null })),
  refusals: {},
  decide: (next, { body: { reason }, acceptedAt }) =>
    accepted({ ...next, cancelledAt: acceptedAt, cancelReason: reason }, { reason }),
  event: {
    name: 'InvoiceCancelled',
    description: 'A draft or a finalized invoice was cancelled.',
    more: () => ({ reason: z.string().nullable().meta({ description: 'Why, as in the invoice' }) }),
    data: ({ command }) => ({ reason: command.body.reason }),
  },
});
