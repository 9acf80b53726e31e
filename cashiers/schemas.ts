/** The shapes of a cashier on the wire: what comes in is parsed by them, what goes out is described by them. */
import { z } from 'zod';
import { calendarDate, pageCursor, pageLimit } from '../invoices/schemas.ts';
import { cashierTexts } from '../values/text.ts';
import { oneLine } from '../values/text-schema.ts';

const name = oneLine(...cashierTexts.name).meta({ example: 'Kasse Nord' });
const email = oneLine(...cashierTexts.email)
  .pipe(z.email())
  .meta({ description: 'Unique in the tenant, in any case', example: 'nord@example.com' });
const instantOut = z.iso.datetime();

/** A cashier as callers and subscribers see it. */
export const cashierSchema = z
  .strictObject({
    id: z.guid(),
    name: z.string(),
    email: z.string(),
    version: z.int().min(1),
    createdAt: instantOut,
    updatedAt: instantOut,
  })
  .meta({
    id: 'Cashier',
    example: {
      id: '3f0a4c55-0a5e-5f0a-9b36-6a1f0a9d7c11',
      name: 'Kasse Nord',
      email: 'nord@example.com',
      version: 1,
      createdAt: '2029-11-30T16:00:00.000Z',
      updatedAt: '2029-11-30T16:00:00.000Z',
    },
  });
export type WireCashier = z.infer<typeof cashierSchema>;

export const createCashierSchema = z.strictObject({ name, email });
export const updateCashierSchema = z.strictObject({ name: name.optional(), email: email.optional() });

export const acceptCurrencySchema = z.strictObject({
  effectiveFrom: calendarDate.meta({ description: 'The first day on which the cashier accepts the currency' }),
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
    receivedAt: instantOut,
    recordedAt: instantOut,
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

export const cashierPageSchema = z.strictObject({ limit: pageLimit, cursor: pageCursor(CURSOR_LENGTH_MAX) });
