import { accepted } from '../../commands/decision.ts';
import { without } from '../currencies.ts';
import { codeInPath } from '../schemas.ts';
import { defineCashierStep, nothing } from '../step.ts';

/** CSH-04: dropping what is not listed has been done before, as DELETE is in HTTP. */
export const dropCurrency = defineCashierStep({
  summary: 'Take a currency off a cashier’s list',
  description: 'Also when it is not listed. With the last one taken off, every currency is accepted again.',
  http: { method: 'delete', path: '/v1/cashiers/{id}/currencies/{code}', operationId: 'dropCurrency' },
  ifMatch: false,
  inPath: codeInPath,
  body: (_sent, { code }) => ({ currency: code }),
  refusals: {},
  decide: (cashier, { body }) => {
    const currencies = without(cashier.currencies, body.currency);
    return currencies.length === cashier.currencies.length
      ? { kind: 'replayed' }
      : accepted({ ...cashier, currencies });
  },
  answer: nothing('The currency is not listed'),
});
