/** The cashier that an invoice names must be there, and accept its currency (INV-04, CSH-04). */
import { type Refusals, refusal } from '../commands/refusal.ts';
import { dateOf } from '../values/dates.ts';
import type { InvoiceContent } from './fields.ts';
import type { LookupPort, Lookups } from './step.ts';

export const cashierRefusals = {
  unknown_cashier: { status: 422, title: 'The cashier does not exist' },
  currency_not_accepted: { status: 422, title: 'The cashier does not accept the currency' },
} as const satisfies Refusals;

/** Does the command say something about the cashier or the currency, so that the one must accept the other? */
export const touchesCashier = (body: Partial<InvoiceContent>): boolean =>
  body.cashierId !== undefined || body.currency !== undefined;

/** The cashier that the invoice would have after the command. */
export async function cashierOf(
  { body }: { body: Partial<InvoiceContent> },
  invoice: { cashierId: string | null } | null,
  port: LookupPort,
): Promise<Lookups> {
  const cashierId = body.cashierId === undefined ? (invoice?.cashierId ?? null) : body.cashierId;
  return cashierId === null || !touchesCashier(body) ? {} : { cashier: await port.cashier(cashierId) };
}

/** Why the cashier cannot collect the money, if so. */
export function cashierRefusal(
  { cashierId, currency }: { cashierId: string | null; currency: string },
  { cashier }: Lookups,
  acceptedAt: string,
) {
  if (cashierId === null) return undefined;
  if (!cashier) return refusal('unknown_cashier', `There is no cashier ${cashierId}.`);
  if (cashier.accepts(currency, dateOf(acceptedAt))) return undefined;
  return refusal('currency_not_accepted', `The cashier does not accept ${currency} on ${dateOf(acceptedAt)}.`);
}
