/** The fields of an invoice in what comes in, and how an amount and its currency are judged together. */
import { z } from 'zod';
import { type AmountError, DECIMALS_MAX, amountMessage, faultInAnyCurrency, parseAmount } from '../values/amount.ts';
import { exponentOf } from '../values/money.ts';
import { calendarDate, oneLine, uuid } from '../values/schema.ts';
import { invoiceTexts } from '../values/text.ts';

/** What an invoice is made of, and what an update may change. */
export interface InvoiceContent {
  name: string;
  amountMinor: number;
  currency: string;
  customerReference: string | null;
  dueDate: string | null;
  cashierId: string | null;
}

export const name = () =>
  oneLine(...invoiceTexts.name).meta({
    description: 'What the invoice is for; 2 to 100 characters',
    example: 'Hosting, November',
  });
export const customerReference = () =>
  oneLine(...invoiceTexts.customerReference).meta({
    description: 'Your own reference of the customer, opaque to us',
    example: 'C-7731',
  });
export const dueDate = calendarDate;
export const cashierId = uuid;

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

/** An object whose amount is judged in its currency. */
export const withAmount = <S extends z.ZodType<AmountAndCurrency>>(schema: S): S =>
  schema.superRefine(checkAmount, { when: () => true });

/** Of an object that `withAmount` has let through. */
export function minorUnitsOf(input: { amount: string | number; currency: string }): number {
  const parsed = parseAmount(input.amount, exponentOf(input.currency) ?? 0);
  if ('error' in parsed) throw new TypeError(`An amount that was checked is not valid: ${parsed.error}`);
  return parsed.amountMinor;
}

/** A step that needs to be told nothing. */
export const nothing = () =>
  z
    .strictObject({})
    .optional()
    .transform((): Record<string, never> => ({}));

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
export const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
