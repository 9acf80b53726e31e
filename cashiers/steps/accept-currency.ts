import { z } from 'zod';
import { accepted } from '../../commands/decision.ts';
import { calendarDate } from '../../values/schema.ts';
import { type AcceptedCurrency, without } from '../currencies.ts';
import { acceptedCurrencySchema, codeInPath } from '../schemas.ts';
import { defineCashierStep } from '../step.ts';

/** CSH-04: from a day on the currency is accepted; listed already, from the new day on. */
export const acceptCurrency = defineCashierStep({
  summary: 'Let a cashier accept a currency from a day on',
  description: 'With the first currency listed, the cashier no longer accepts every other one.',
  http: { method: 'put', path: '/v1/cashiers/{id}/currencies/{code}', operationId: 'acceptCurrency' },
  ifMatch: false,
  inPath: codeInPath,
  request: {
    schema: z.strictObject({
      effectiveFrom: calendarDate().meta({ description: 'The first day on which the cashier accepts the currency' }),
    }),
    examples: { fromNewYear: { effectiveFrom: '2030-01-01' } },
  },
  body: ({ effectiveFrom }, { code }): AcceptedCurrency => ({ currency: code, effectiveFrom }),
  refusals: {},
  decide: (cashier, { body }) =>
    accepted({
      ...cashier,
      currencies: [...without(cashier.currencies, body.currency), body].toSorted((a, b) =>
        a.currency < b.currency ? -1 : 1,
      ),
    }),
  answer: {
    description: 'The currency and its first day',
    schema: acceptedCurrencySchema,
    of: (_cashier, { body }) => body,
  },
});
