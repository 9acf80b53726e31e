/** The shapes in which cashiers are asked for, changed and listed. */
import { z } from 'zod';
import { calendarDate, instantOut, oneLine, pageCursor, pageLimit } from '../values/schema.ts';
import { cashierTexts } from '../values/text.ts';
import { cashierSchema } from './members.ts';

const name = oneLine(...cashierTexts.name).meta({ example: 'Kasse Nord' });
const email = oneLine(...cashierTexts.email)
  .pipe(z.email())
  .meta({ description: 'Unique in the tenant, in any case', example: 'nord@example.com' });

export const createCashierSchema = z.strictObject({ name, email });
export const updateCashierSchema = z.strictObject({ name: name.optional(), email: email.optional() });

export const acceptCurrencySchema = z.strictObject({
  effectiveFrom: calendarDate().meta({ description: 'The first day on which the cashier accepts the currency' }),
});

export const acceptedCurrencySchema = z
  .strictObject({ currency: z.string(), effectiveFrom: z.iso.date() })
  .meta({ id: 'AcceptedCurrency', example: { currency: 'EUR', effectiveFrom: '2030-01-31' } });

export const acceptedCurrenciesSchema = z
  .strictObject({ items: z.array(acceptedCurrencySchema) })
  .meta({ id: 'AcceptedCurrencies', description: 'Sorted by code; none means that every currency is accepted' });

export const cashierPaymentSchema = z
  .strictObject({
    invoiceId: z.guid(),
    amount: z.string(),
    currency: z.string(),
    method: z.string(),
    reference: z.string(),
    receivedAt: instantOut(),
    recordedAt: instantOut(),
  })
  .meta({ id: 'CashierPayment' });
export type WireCashierPayment = z.infer<typeof cashierPaymentSchema>;

const nextCursor = z.string().nullable();
export const cashierListSchema = z
  .strictObject({ items: z.array(cashierSchema), nextCursor })
  .meta({ id: 'CashierList' });
export const cashierPaymentListSchema = z
  .strictObject({ items: z.array(cashierPaymentSchema), nextCursor })
  .meta({ id: 'CashierPaymentList' });

/** A cursor holds the name at which a page ends. */
const CURSOR_LENGTH_MAX = 800;

export const cashierPageSchema = z.strictObject({ limit: pageLimit(), cursor: pageCursor(CURSOR_LENGTH_MAX) });
