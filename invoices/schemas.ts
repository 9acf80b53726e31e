/** The shapes in which invoices are asked for, listed and told of; those of the steps' bodies are in steps/. */
import { ABANDON } from '../commands/abandon.ts';
import { z } from 'zod';
import { amount, calendarDate, currency, instantOut, oneLine, pageCursor, pageLimit, uuid } from '../values/schema.ts';
import { NUMBER_LENGTH } from '../values/text.ts';
import { customerReference, withoutUndefined } from './fields.ts';
import { statuses, stepNames } from './lifecycle.ts';
import { invoiceSchema } from './wire.ts';

/** Everything is optional: what is absent is taken from the invoice, and payInvoiceSchema parses the whole. */
export const simulatePaymentSchema = z
  .strictObject({
    amount: amount().optional(),
    currency: z.string().optional(),
    method: z.string().optional(),
    reference: z.string().optional(),
    receivedAt: z.string().nullish(),
  })
  .optional()
  .transform((body) => withoutUndefined(body ?? {}));

export const historySchema = z
  .strictObject({
    items: z.array(
      z.strictObject({
        version: z.int(),
        action: z
          .enum([...stepNames, ABANDON])
          .meta({ description: 'abandon: a person stopped an attempt at this version' }),
        at: instantOut(),
        actor: z.string(),
        status: z.enum(statuses),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'InvoiceHistory' });

export const invoiceListSchema = z
  .strictObject({
    items: z.array(invoiceSchema),
    nextCursor: z.string().nullable().meta({
      description:
        'null at the end. Before the end, a page for which few invoices are found among many can have fewer items than its limit, or none.',
    }),
  })
  .meta({ id: 'InvoiceList' });

export const listInvoicesSchema = z.strictObject({
  limit: pageLimit(),
  cursor: pageCursor(400),
  status: z.enum(statuses).optional(),
  currency: currency().optional(),
  cashierId: uuid().optional(),
  customerReference: customerReference().optional(),
  number: oneLine(...NUMBER_LENGTH).optional(),
  dueBefore: calendarDate().optional().meta({ description: 'Due date strictly before this day' }),
  dueAfter: calendarDate().optional().meta({ description: 'Due date strictly after this day' }),
});
export type ListInvoices = z.infer<typeof listInvoicesSchema>;
