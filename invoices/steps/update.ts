import { z } from 'zod';
import { accepted, refused } from '../../commands/decision.ts';
import { type FieldError, invalidFields } from '../../commands/refusal.ts';
import { amountMessage, parseAmount } from '../../values/amount.ts';
import { CURRENCY_MESSAGE, exponentOf, formatAmount } from '../../values/money.ts';
import { amount, currency } from '../../values/schema.ts';
import { cashierOf, cashierRefusal, cashierRefusals, touchesCashier } from '../cashier-rule.ts';
import { dueDateError } from '../due.ts';
import {
  type InvoiceContent,
  cashierId,
  customerReference,
  dueDate,
  minorUnitsOf,
  name,
  withAmount,
  withoutUndefined,
} from '../fields.ts';
import { defineStep } from '../step.ts';

/** Absent members are unchanged. */
export interface UpdateBody extends Partial<InvoiceContent> {
  /** A decimal as it was sent without a currency, in place of `amountMinor`: only the invoice tells what it is in. */
  amount?: string;
}

/** INV-20: a draft is changed. Only members that are present are checked: what was accepted stays accepted. */
export const update = defineStep({
  from: ['draft'],
  to: ['draft'],
  pastTense: 'updated',
  activity: 'updateInvoice',
  summary: 'Change a draft',
  description:
    'Absent members are unchanged, null clears. An amount alone is in the invoice’s currency; a currency alone must fit the amount.',
  examples: { price: { amount: '1300.00', currency: 'EUR' } },
  http: { method: 'patch', path: '/v1/invoices/{id}' },
  body: () =>
    withAmount(
      z.strictObject({
        name: name().optional(),
        amount: amount().optional(),
        currency: currency().optional(),
        customerReference: customerReference().nullable().optional(),
        dueDate: dueDate().nullable().optional(),
        cashierId: cashierId().nullable().optional(),
      }),
    ).transform(({ amount: newAmount, ...rest }): UpdateBody => ({
      ...withoutUndefined(rest),
      ...sentAmount(newAmount, rest),
    })),
  refusals: cashierRefusals,
  lookUp: cashierOf,
  decide: (next, { body, acceptedAt }, lookups) => {
    const { amount: _sent, ...members } = body;
    const money = moneyAfter(next, body);
    const wrong = [dueDateError(body.dueDate ?? null, acceptedAt), 'error' in money ? money.error : undefined].filter(
      (error) => error !== undefined,
    );
    if (wrong.length > 0 || 'error' in money) return refused(invalidFields(wrong));
    const after = { ...next, ...members, ...money };
    const unfit = touchesCashier(body) ? cashierRefusal(after, lookups, acceptedAt) : undefined;
    return unfit ? refused(unfit) : accepted(after);
  },
  event: {
    name: 'InvoiceUpdated',
    description: 'A draft was changed; the invoice is whole, not a difference.',
  },
});

/** In minor units when the currency came with it. Alone it stays as it was written: its currency is the invoice's. */
function sentAmount(
  newAmount: string | number | undefined,
  { currency: newCurrency }: { currency?: string | undefined },
): Pick<UpdateBody, 'amount' | 'amountMinor'> {
  if (newAmount === undefined) return {};
  if (newCurrency === undefined) return { amount: String(newAmount) };
  return { amountMinor: minorUnitsOf({ amount: newAmount, currency: newCurrency }) };
}

/**
 * What the invoice costs after an update. An amount alone is in the invoice's currency. Under a currency alone the
 * decimal amount stays what it is, "1300.00", and must fit: it is never rounded, and loses no decimals.
 */
function moneyAfter(
  { amountMinor, currency: before }: { amountMinor: number; currency: string },
  body: UpdateBody,
): { amountMinor: number; currency: string } | { error: FieldError } {
  const code = body.currency ?? before;
  if (body.amountMinor === undefined && body.amount === undefined && code === before)
    return { amountMinor, currency: code };
  const exponent = exponentOf(code);
  if (exponent === undefined)
    return { error: { path: 'currency', code: 'unknown_currency', message: CURRENCY_MESSAGE } };
  if (body.amountMinor !== undefined) return { amountMinor: body.amountMinor, currency: code };
  const written = body.amount ?? formatAmount(amountMinor, before);
  const parsed = parseAmount(written, exponent);
  if (!('error' in parsed)) return { amountMinor: parsed.amountMinor, currency: code };
  const message = amountMessage(parsed.error, exponent);
  return {
    error: {
      path: 'amount',
      code: parsed.error,
      message: body.amount === undefined ? `is ${written}, which does not fit ${code}: ${message}` : message,
    },
  };
}
