/**
 * The versions of the events that show an invoice. Version 2 tells more than version 1: what is still to be paid, and
 * what the step changed. Version 1 is version 2 without that.
 */
import { z } from 'zod';
import { formatAmount } from '../values/money.ts';
import { type WireInvoice, invoiceExample, invoiceSchema } from './wire.ts';

const paymentStatuses = ['unpaid', 'partially_paid', 'paid'] as const;

export const invoice2Schema = z
  .strictObject({
    ...invoiceSchema.shape,
    amountOpen: z.string().meta({ description: 'What is still to be paid; nothing of a cancelled invoice' }),
    paymentStatus: z.enum(paymentStatuses),
  })
  .meta({ id: 'Invoice2', example: { ...invoiceExample, amountOpen: '1200.00', paymentStatus: 'unpaid' } });
export type WireInvoice2 = z.infer<typeof invoice2Schema>;

/** What changes with every step, or never, or with the day on which it is seen, is no change that a step makes. */
const {
  id: _id,
  version: _version,
  createdAt: _made,
  updatedAt: _changed,
  overdue: _day,
  ...changing
} = invoice2Schema.shape;
const changingNames = Object.keys(changing) as (keyof typeof changing)[];

const changeOfMember = (member: z.ZodType) =>
  z.strictObject({ old: member.safeParse(null).success ? member : member.nullable(), new: member }).optional();

export const changeSchema = z
  .strictObject(
    Object.fromEntries(Object.entries(changing).map(([name, member]) => [name, changeOfMember(member)])) as Record<
      keyof typeof changing,
      ReturnType<typeof changeOfMember>
    >,
  )
  .meta({
    id: 'InvoiceChange',
    description: 'What the step changed, by member, with the old and the new value',
    example: { status: { old: 'draft', new: 'finalized' }, number: { old: null, new: 'INV-2029-000042' } },
  });
export type InvoiceChange = z.infer<typeof changeSchema>;

/** The invoice with what version 2 tells more. */
export function toInvoice2(invoice: WireInvoice): WireInvoice2 {
  const [amount, paid] = [invoice.amount, invoice.amountPaid].map(minorUnits) as [bigint, bigint];
  const isWhole = paid >= amount;
  return {
    ...invoice,
    amountOpen: formatAmount(isWhole || invoice.status === 'cancelled' ? 0n : amount - paid, invoice.currency),
    paymentStatus: isWhole ? 'paid' : paid > 0n ? 'partially_paid' : 'unpaid',
  };
}

/** Of a text that has exactly the decimals of its currency. */
const minorUnits = (decimal: string): bigint => BigInt(decimal.replace('.', ''));

/** `before` is null when there was no invoice. */
export const changeBetween = (before: WireInvoice2 | null, after: WireInvoice2): InvoiceChange =>
  Object.fromEntries(
    changingNames.flatMap((name) => {
      const [old, now] = [before?.[name] ?? null, after[name]];
      return old === now ? [] : [[name, { old, new: now }]];
    }),
  );

interface Data1 {
  invoice: WireInvoice;
}
interface Data2 {
  invoice: WireInvoice2;
  change: InvoiceChange | null;
}

/** The data of version 1. */
export function toVersion1(data: Data2): Data1 {
  const { change: _change, invoice: told, ...more } = data;
  const { amountOpen: _open, paymentStatus: _paid, ...invoice } = told;
  return { ...more, invoice };
}

/** The data of version 2, of version 1 and of what was told before it; null when that is not known any more. */
export function toVersion2({ invoice: told, ...more }: Data1, before: Data1 | null): Data2 {
  const invoice = toInvoice2(told);
  // Only the step that drafts it leaves version 1.
  const isKnown = before !== null || invoice.version === 1;
  return { ...more, invoice, change: isKnown ? changeBetween(before && toInvoice2(before.invoice), invoice) : null };
}
