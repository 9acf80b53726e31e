/**
 * The shapes of an invoice on the wire. The schemas parse what comes in (requests) and describe what goes out
 * (answers, events, OpenAPI): a shape is defined here and nowhere else.
 */
import { isLosslessNumber } from 'lossless-json';
import { z } from 'zod';
import { type AmountError, DECIMALS_MAX, amountMessage, faultInAnyCurrency, parseAmount } from '../values/amount.ts';
import { EXISTING_DATE, EXISTING_INSTANT, isDate, isInstant } from '../values/dates.ts';
import type { CancelBody, CreateBody, PayBody, UpdateBody } from './invoice.ts';
import { ABANDON, steps, statuses } from './lifecycle.ts';
import { CURRENCY_MESSAGE, currencyCode, exponentOf } from '../values/money.ts';
import { NUMBER_LENGTH, invoiceTexts, trimmed } from '../values/text.ts';
import { manyLines, oneLine, untrimmed } from '../values/text-schema.ts';

const name = oneLine(...invoiceTexts.name).meta({
  description: 'What the invoice is for; 2 to 100 characters',
  example: 'Hosting, November',
});
/** A number is judged by its digits as they were sent: read as a float, 19.999999999999999 would be 20. */
const digitsOf = (value: unknown): unknown => (isLosslessNumber(value) ? value.value : value);
const amount = z.preprocess(digitsOf, z.union([z.string().overwrite(trimmed), z.number()])).meta({
  description: 'A decimal with at most the currency’s decimals; a string, or a JSON number',
  example: '1200.00',
});
export const currency = z
  .string()
  .overwrite((text) => currencyCode(trimmed(text)) ?? text)
  .refine((text) => exponentOf(text) !== undefined, {
    error: CURRENCY_MESSAGE,
    params: { code: 'unknown_currency' },
  })
  .meta({ description: 'ISO 4217 code', example: 'EUR' });
const customerReference = oneLine(...invoiceTexts.customerReference).meta({
  description: 'Your own reference of the customer, opaque to us',
  example: 'C-7731',
});

/** Text of which values/dates.ts says that it is right. What is checked further must not see anything else. */
const formatted = (format: 'date' | 'datetime', message: string, isRight: (text: string) => boolean) =>
  z.string().check(({ value, issues }) => {
    if (!isRight(value)) issues.push({ code: 'invalid_format', format, message, input: value });
  });
export const calendarDate = formatted('date', `must be ${EXISTING_DATE}`, isDate).meta({
  format: 'date',
  example: '2030-01-31',
});
export const instant = formatted('datetime', `must be ${EXISTING_INSTANT}`, isInstant)
  .overwrite((text) => new Date(text).toISOString())
  .meta({ format: 'date-time', example: '2030-01-31T09:30:00Z' });
export const uuid = z.guid().toLowerCase();

type AmountAndCurrency = { amount?: string | number | undefined; currency?: string | undefined };

/** Runs even when other members are wrong, so that a caller sees all faults of a request at once. */
function checkAmount(input: AmountAndCurrency, context: z.RefinementCtx): void {
  if (typeof input !== 'object' || input === null) return;
  if (typeof input.amount !== 'string' && typeof input.amount !== 'number') return;
  const exponent = typeof input.currency === 'string' ? exponentOf(input.currency) : undefined;
  const code = amountFault(input.amount, exponent);
  if (code === undefined) return;
  const message = amountMessage(code, exponent ?? DECIMALS_MAX);
  context.addIssue({ code: 'custom', path: ['amount'], message, params: { code } });
}

/** Without a currency that is known, only what is wrong in any. */
function amountFault(input: string | number, exponent: number | undefined): AmountError | undefined {
  if (exponent === undefined) return faultInAnyCurrency(input);
  const parsed = parseAmount(input, exponent);
  return 'error' in parsed ? parsed.error : undefined;
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
  .superRefine(checkAmount, evenAfterOtherIssues)
  .transform(({ amount: newAmount, ...rest }): UpdateBody => ({
    ...withoutUndefined(rest),
    ...sentAmount(newAmount, rest),
  }));

/** In minor units when the currency came with it. Alone it stays as it was written: its currency is the invoice's. */
function sentAmount(
  newAmount: string | number | undefined,
  { currency: newCurrency }: { currency?: string | undefined },
): Pick<UpdateBody, 'amount' | 'amountMinor'> {
  if (newAmount === undefined) return {};
  if (newCurrency === undefined) return { amount: String(newAmount) };
  return { amountMinor: minorUnits({ amount: newAmount, currency: newCurrency }) };
}

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
    receivedAt: instant
      .nullish()
      .meta({ description: 'When the money arrived, at most ten years ago; now when absent' }),
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

const PAGE_LIMIT_MAX = 200;
const PAGE_LIMIT_DEFAULT = 50;

/** Number() also reads 0x10, 1e1, +5 and an empty text. */
const plainDigits = (text: unknown): unknown =>
  typeof text === 'string' && /^-?\d+$/.test(text) ? Number(text) : text;

/** How many items a page of a list has: a text in a query. */
export const pageLimit = z
  .preprocess(
    plainDigits,
    z
      .int({ error: ({ code }) => (code === 'invalid_type' ? 'must be a whole number in plain digits' : undefined) })
      .min(1)
      .max(PAGE_LIMIT_MAX),
  )
  .prefault(PAGE_LIMIT_DEFAULT);

/** Where a page ends, as an earlier one said: nextCursor. */
export const pageCursor = (max: number) =>
  untrimmed(0, max).optional().meta({ description: 'nextCursor of the page before' });

export const listInvoicesSchema = z.strictObject({
  limit: pageLimit,
  cursor: pageCursor(400),
  status: z.enum(statuses).optional(),
  currency: currency.optional(),
  cashierId: uuid.optional(),
  customerReference: customerReference.optional(),
  number: oneLine(...NUMBER_LENGTH).optional(),
  dueBefore: calendarDate.optional().meta({ description: 'Due date strictly before this day' }),
  dueAfter: calendarDate.optional().meta({ description: 'Due date strictly after this day' }),
});
export type ListInvoices = z.infer<typeof listInvoicesSchema>;
