/** The shapes in which cashiers are listed, and what they accept and were paid. */
import { z } from 'zod';
import { currency, instantOut, pageCursor, pageLimit } from '../values/schema.ts';
import { cashierSchema } from './members.ts';

/** The code of a currency as it stands in a path. */
export const codeInPath = z.object({ code: currency() });

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
