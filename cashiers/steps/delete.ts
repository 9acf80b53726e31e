import { z } from 'zod';
import { accepted, refused } from '../../commands/decision.ts';
import { refusal } from '../../commands/refusal.ts';
import { defineCashierStep, nextVersion, nothing } from '../step.ts';

/** CSH-03: a cashier whom no invoice names is removed. */
export const remove = defineCashierStep({
  summary: 'Remove a cashier that no invoice names',
  http: { method: 'delete', path: '/v1/cashiers/{id}' },
  ifMatch: true,
  removes: true,
  body: () => ({}),
  refusals: { cashier_in_use: { status: 409, title: 'The cashier has invoices' } },
  lookUp: async (_asked, port) => ({ inUse: await port.inUse() }),
  decide: (cashier, { acceptedAt }, { inUse }) =>
    inUse
      ? refused(refusal('cashier_in_use', 'The cashier has invoices, so it cannot be deleted.'))
      : accepted(nextVersion(cashier, acceptedAt)),
  answer: nothing('The cashier is gone'),
  event: {
    name: 'CashierDeleted',
    description: 'A cashier without invoices was removed.',
    instead: {
      schema: () => z.strictObject({ tenantId: z.guid(), cashierId: z.guid(), deletedAt: z.iso.datetime() }),
      data: ({ state: { tenantId, id }, command }) => ({ tenantId, cashierId: id, deletedAt: command.acceptedAt }),
    },
  },
});
