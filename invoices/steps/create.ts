import { z } from 'zod';
import { accepted, refused } from '../../commands/decision.ts';
import { invalidFields } from '../../commands/refusal.ts';
import { CURRENCY_MESSAGE, exponentOf, formatAmount } from '../../values/money.ts';
import { amount, currency } from '../../values/schema.ts';
import { cashierOf, cashierRefusal, cashierRefusals } from '../cashier-rule.ts';
import { dueDateError } from '../due.ts';
import {
  type InvoiceContent,
  cashierId,
  customerReference,
  dueDate,
  minorUnitsOf,
  name,
  withAmount,
} from '../fields.ts';
import { defineCreate } from '../step.ts';

/** INV-01: a draft, which has no number yet. */
export const create = defineCreate({
  from: [],
  to: ['draft'],
  pastTense: 'created',
  activity: 'createInvoice',
  summary: 'Draft an invoice',
  examples: { shortest: { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' } },
  http: { method: 'post', path: '/v1/invoices' },
  body: () =>
    withAmount(
      z.strictObject({
        name: name(),
        amount: amount(),
        currency: currency(),
        customerReference: customerReference().nullish(),
        dueDate: dueDate().nullish().meta({ description: 'Not before today (UTC)' }),
        cashierId: cashierId().nullish().meta({ description: 'The cashier who collects the money' }),
      }),
    ).transform((body): InvoiceContent => ({
      name: body.name,
      amountMinor: minorUnitsOf(body),
      currency: body.currency,
      customerReference: body.customerReference ?? null,
      dueDate: body.dueDate ?? null,
      cashierId: body.cashierId ?? null,
    })),
  refusals: cashierRefusals,
  lookUp: cashierOf,
  draft: (blank, { body, acceptedAt }, lookups) => {
    const wrongDay = dueDateError(body.dueDate, acceptedAt);
    const wrong = [
      ...(wrongDay ? [wrongDay] : []),
      ...(exponentOf(body.currency) === undefined
        ? [{ path: 'currency', code: 'unknown_currency', message: CURRENCY_MESSAGE }]
        : []),
    ];
    if (wrong.length > 0) return refused(invalidFields(wrong));
    const unfit = cashierRefusal(body, lookups, acceptedAt);
    return unfit ? refused(unfit) : accepted({ ...blank, ...body });
  },
  event: { name: 'InvoiceCreated', description: 'An invoice was drafted.' },
  furtherEvents: [
    {
      name: 'InvoiceGenerated',
      scope: 'internal',
      description: 'Within billing: an invoice exists, with this amount.',
      schema: () => z.strictObject({ tenantId: z.guid(), invoiceId: z.guid(), invoiceAmount: z.string() }),
      data: ({ state: { tenantId, id, amountMinor, currency: code } }) => ({
        tenantId,
        invoiceId: id,
        invoiceAmount: formatAmount(amountMinor, code),
      }),
    },
  ],
});
