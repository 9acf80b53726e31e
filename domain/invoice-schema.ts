/**
 * The shapes of an invoice on the wire. The schemas parse what comes in (requests) and describe what goes out
 * (answers, events, OpenAPI): a shape is defined here and nowhere else.
 */
import { z } from 'zod';
import type { CancelBody, CreateBody, PayBody, UpdateBody } from './invoice.ts';
import { ABANDON, steps, statuses } from './lifecycle.ts';
import { AMOUNT_MAX_MINOR, type AmountError, exponentOf, parseAmount } from './money.ts';
import { invoiceTexts } from './text.ts';
import { manyLines, oneLine } from './text-schema.ts';

const name = oneLine(...invoiceTexts.name).meta({
  description: 'What the invoice is for; 2 to 100 characters',
  example: 'Hosting, November',
});
const amount = z.union([z.string().trim(), z.number()]).meta({
  description: 'A decimal with at most the currency’s decimals; a string, or a JSON number',
  example: '1200.00',
});
export const currency = z
  .string()
  .trim()
  .toUpperCase()
  .refine((code) => exponentOf(code) !== undefined, {
    error: 'must be an ISO 4217 code of a currency with minor units',
    params: { code: 'unknown_currency' },
  })
  .meta({ description: 'ISO 4217 code', example: 'EUR' });
const customerReference = oneLine(...invoiceTexts.customerReference).meta({
  description: 'Your own reference of the customer, opaque to us',
  example: 'C-7731',
});
/** Postgres has no year 0; no invoice needs one. */
const isCommonEra = (text: string): boolean => !text.startsWith('0000');
export const calendarDate = z.iso
  .date()
  .refine(isCommonEra, 'must be a date after the year 0')
  .meta({ example: '2030-01-31' });
/** An offset can move an instant out of the years that RFC 3339 and Postgres write alike. */
const isFourDigitYear = (text: string): boolean => {
  const year = new Date(text).getUTCFullYear();
  return year >= 1 && year <= 9999;
};
export const instant = z.iso
  .datetime({ offset: true })
  .refine(isFourDigitYear, 'must be an instant in the years 1 to 9999')
  .transform((text) => new Date(text).toISOString());
export const uuid = z.guid().toLowerCase();

const amountMessages: Record<AmountError, (exponent: number) => string> = {
  not_a_decimal: () => 'must be a plain decimal such as "1200.00", without sign, exponent or spaces',
  too_many_decimals: (exponent) => `must have at most ${exponent} decimals in this currency`,
  out_of_range: () => `must be between 1 and ${AMOUNT_MAX_MINOR.toLocaleString('en')} minor units`,
};

type AmountAndCurrency = { amount?: string | number | undefined; currency?: string | undefined };

/** Runs even when other members are wrong, so that a caller sees all faults of a request at once. */
function checkAmount(input: AmountAndCurrency, context: z.RefinementCtx): void {
  if (typeof input !== 'object' || input === null) return;
  if (typeof input.amount !== 'string' && typeof input.amount !== 'number') return;
  const exponent = typeof input.currency === 'string' ? exponentOf(input.currency.trim().toUpperCase()) : undefined;
  const parsed = parseAmount(typeof input.amount === 'string' ? input.amount.trim() : input.amount, exponent ?? 0);
  if (!('error' in parsed) || (exponent === undefined && parsed.error === 'too_many_decimals')) return;
  const message = amountMessages[parsed.error](exponent ?? 0);
  context.addIssue({ code: 'custom', path: ['amount'], message, params: { code: parsed.error } });
}

const evenAfterOtherIssues = { when: () => true };

/** Only after `checkAmount` has passed. */
function minorUnits(input: { amount: string | number; currency: string }): number {
  const parsed = parseAmount(input.amount, exponentOf(input.currency) ?? 0);
  if ('error' in parsed) throw new TypeError(`An amount that was checked is not valid: ${parsed.error}`);
  return parsed.amountMinor;
}

export const createInvoiceSchema = z
  .strictObject({
    name,
    amount,
    currency,
    customerReference: customerReference.nullish(),
    dueDate: calendarDate.nullish().meta({ description: 'Not before today (UTC)' }),
    cashierId: uuid.nullish().meta({ description: 'The cashier who collects the money' }),
  })
  .superRefine(checkAmount, evenAfterOtherIssues)
  .transform((body): CreateBody => ({
    name: body.name,
    amountMinor: minorUnits(body),
    currency: body.currency,
    customerReference: body.customerReference ?? null,
    dueDate: body.dueDate ?? null,
    cashierId: body.cashierId ?? null,
  }));

export const updateInvoiceSchema = z
  .strictObject({
    name: name.optional(),
    amount: amount.optional(),
    currency: currency.optional(),
    customerReference: customerReference.nullable().optional(),
    dueDate: calendarDate.nullable().optional(),
    cashierId: uuid.nullable().optional(),
  })
  .superRefine((body, context) => {
    checkAmount(body, context);
    if (typeof body !== 'object' || body === null || (body.amount === undefined) === (body.currency === undefined))
      return;
    const missing = body.amount === undefined ? 'amount' : 'currency';
    context.addIssue({
      code: 'custom',
      path: [missing],
      message: 'amount and currency are given together',
      params: { code: 'required' },
    });
  }, evenAfterOtherIssues)
  .transform(({ amount: newAmount, currency: newCurrency, ...rest }): UpdateBody => {
    const money =
      newAmount === undefined || newCurrency === undefined
        ? {}
        : { amountMinor: minorUnits({ amount: newAmount, currency: newCurrency }), currency: newCurrency };
    return { ...withoutUndefined(rest), ...money };
  });

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;

export const finalizeInvoiceSchema = z
  .strictObject({})
  .optional()
  .transform((): Record<string, never> => ({}));

export const payInvoiceSchema = z
  .strictObject({
    amount,
    currency,
    method: oneLine(...invoiceTexts.method).meta({ example: 'bank transfer' }),
    reference: oneLine(...invoiceTexts.reference).meta({
      description: 'The payment’s own id, unique in the tenant',
      example: 'PAY-2026-000812',
    }),
    receivedAt: instant.nullish().meta({
      description: 'When the money arrived; now when absent',
      override: { type: 'string', format: 'date-time' },
    }),
  })
  .superRefine(checkAmount, evenAfterOtherIssues)
  .transform((body): PayBody => ({
    amountMinor: minorUnits(body),
    currency: body.currency,
    method: body.method,
    reference: body.reference,
    receivedAt: body.receivedAt ?? null,
  }));

/** Everything is optional: what is absent is taken from the invoice, and payInvoiceSchema parses the whole. */
export const simulatePaymentSchema = z
  .strictObject({
    amount: amount.optional(),
    currency: z.string().optional(),
    method: z.string().optional(),
    reference: z.string().optional(),
    receivedAt: z.string().nullish(),
  })
  .optional()
  .transform((body) => withoutUndefined(body ?? {}));

export const cancelInvoiceSchema = z
  .strictObject({
    reason: manyLines(...invoiceTexts.reason)
      .nullish()
      .meta({ description: 'Kept in history and event', example: 'Ordered twice' }),
  })
  .optional()
  .transform((body): CancelBody => ({ reason: body?.reason ?? null }));

const instantOut = z.iso.datetime();

/** An invoice as callers and subscribers see it. */
export const invoiceSchema = z
  .strictObject({
    id: z.guid(),
    name: z.string(),
    customerReference: z.string().nullable(),
    status: z.enum(statuses),
    overdue: z.boolean(),
    amount: z.string().meta({ description: 'Decimal string with the currency’s decimals' }),
    currency: z.string(),
    dueDate: z.iso.date().nullable(),
    cashierId: z.guid().nullable(),
    number: z.string().nullable().meta({ description: 'Public number, given by finalize: INV-{year}-{six digits}' }),
    amountPaid: z.string(),
    paidAt: instantOut.nullable(),
    finalizedAt: instantOut.nullable(),
    cancelledAt: instantOut.nullable(),
    cancelReason: z.string().nullable(),
    version: z.int().min(1),
    createdAt: instantOut,
    updatedAt: instantOut,
  })
  .meta({
    id: 'Invoice',
    example: {
      id: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d',
      name: 'Hosting, November',
      customerReference: 'C-7731',
      status: 'finalized',
      overdue: false,
      amount: '1200.00',
      currency: 'EUR',
      dueDate: '2030-01-31',
      cashierId: null,
      number: 'INV-2029-000042',
      amountPaid: '0.00',
      paidAt: null,
      finalizedAt: '2029-12-01T09:30:00.000Z',
      cancelledAt: null,
      cancelReason: null,
      version: 2,
      createdAt: '2029-11-30T16:00:00.000Z',
      updatedAt: '2029-12-01T09:30:00.000Z',
    },
  });
export type WireInvoice = z.infer<typeof invoiceSchema>;

export const paymentSchema = z
  .strictObject({
    amount: z.string(),
    currency: z.string(),
    method: z.string(),
    reference: z.string(),
    receivedAt: instantOut,
  })
  .meta({ id: 'Payment' });
export type WirePayment = z.infer<typeof paymentSchema>;

export const historySchema = z
  .strictObject({
    items: z.array(
      z.strictObject({
        version: z.int(),
        action: z
          .enum([...steps, ABANDON])
          .meta({ description: 'abandon: a person stopped an attempt at this version' }),
        at: instantOut,
        actor: z.string(),
        status: z.enum(statuses),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'InvoiceHistory' });

export const invoiceListSchema = z
  .strictObject({ items: z.array(invoiceSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'InvoiceList' });

export const LIST_LIMIT_MAX = 200;
export const LIST_LIMIT_DEFAULT = 50;

export const listInvoicesSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  cursor: z.string().max(400).optional().meta({ description: 'nextCursor of the page before' }),
  status: z.enum(statuses).optional(),
  currency: currency.optional(),
  cashierId: uuid.optional(),
  customerReference: customerReference.optional(),
  number: oneLine(1, 32).optional(),
  dueBefore: calendarDate.optional().meta({ description: 'Due date strictly before this day' }),
  dueAfter: calendarDate.optional().meta({ description: 'Due date strictly after this day' }),
});
export type ListInvoices = z.infer<typeof listInvoicesSchema>;
