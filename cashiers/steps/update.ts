import { z } from 'zod';
import { accepted, refused } from '../../commands/decision.ts';
import { email, emailRefusals, emailTaken, lookUpEmail, name } from '../fields.ts';
import { defineCashierStep, nextVersion, theCashier } from '../step.ts';

/** CSH-02: absent members are unchanged. */
export const update = defineCashierStep({
  summary: 'Change a cashier',
  description: 'Absent members are unchanged.',
  http: { method: 'patch', path: '/v1/cashiers/{id}' },
  ifMatch: true,
  request: {
    schema: z.strictObject({ name: name.optional(), email: email.optional() }),
    examples: { address: { email: 'kasse@example.com' } },
  },
  body: (sent) => sent,
  refusals: emailRefusals,
  lookUp: lookUpEmail,
  decide: (cashier, { body, acceptedAt }, lookups) => {
    if (body.email !== undefined && lookups.emailTaken) return refused(emailTaken());
    return accepted({
      ...nextVersion(cashier, acceptedAt),
      name: body.name ?? cashier.name,
      email: body.email ?? cashier.email,
    });
  },
  answer: theCashier('The cashier after the change'),
  event: { name: 'CashierUpdated', description: 'A cashier was changed; the cashier is whole.' },
});
