import { z } from 'zod';
import { accepted, refused } from '../../commands/decision.ts';
import { email, emailRefusals, emailTaken, lookUpEmail, name } from '../fields.ts';
import { defineCashierCreate, theCashier } from '../step.ts';

/** CSH-01: a cashier, who accepts every currency. */
export const create = defineCashierCreate({
  summary: 'Add a cashier',
  http: { method: 'post', path: '/v1/cashiers' },
  ifMatch: false,
  request: {
    schema: z.strictObject({ name, email }),
    examples: { cashier: { name: 'Kasse Nord', email: 'nord@example.com' } },
  },
  body: (sent) => sent,
  refusals: emailRefusals,
  lookUp: lookUpEmail,
  draft: (blank, { body }, lookups) =>
    lookups.emailTaken ? refused(emailTaken()) : accepted({ ...blank, ...body, currencies: [] }),
  answer: theCashier('The cashier'),
  event: { name: 'CashierCreated', description: 'A cashier was added.' },
});
