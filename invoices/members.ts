/** The members of an invoice. Here they stand once: a new one is a row here and a migration. */
import { z } from 'zod';
import {
  type InitialOf,
  type StateOf,
  date,
  instant,
  int,
  minorUnits,
  nullable,
  text,
  type Members,
} from '../commands/members.ts';
import { formatAmount } from '../values/money.ts';
import { instantOut } from '../values/schema.ts';
import { isOverdue } from './due.ts';

type Amounts = Record<'amountMinor' | 'amountPaidMinor', number> & { currency: string };

/** Instants are RFC 3339 UTC, dates YYYY-MM-DD, amounts minor units. */
export const invoiceMembers = {
  tenantId: { column: text, fixed: true },
  id: { column: text, fixed: true, wire: () => z.guid() },
  name: { column: text, wire: () => z.string().meta({ description: 'What the invoice is for' }) },
  customerReference: {
    column: nullable(text),
    initial: null,
    wire: () => z.string().nullable().meta({ description: 'The caller’s own reference of the customer' }),
  },
  // What it may be, on the wire too, is computed from the steps (lifecycle.ts).
  status: { column: text, wire: () => z.string() },
  overdue: {
    wire: () => z.boolean().meta({ description: 'Finalized, not paid, and its due date is over' }),
    show: isOverdue,
  },
  amountMinor: {
    column: minorUnits,
    as: 'amount',
    wire: () => z.string().meta({ description: 'Decimal string with the currency’s decimals' }),
    show: ({ amountMinor, currency }: Amounts) => formatAmount(amountMinor, currency),
  },
  currency: { column: text, wire: () => z.string().meta({ description: 'ISO 4217 code' }) },
  dueDate: {
    column: nullable(date),
    initial: null,
    wire: () =>
      z.iso
        .date()
        .nullable()
        .meta({ description: 'The last day for the payment; finalize gives one where there is none' }),
  },
  cashierId: {
    column: nullable(text),
    initial: null,
    wire: () => z.guid().nullable().meta({ description: 'The cashier who collects the money' }),
  },
  number: {
    column: nullable(text),
    initial: null,
    wire: () =>
      z.string().nullable().meta({ description: 'Public number, given by finalize: INV-{year}-{six digits}' }),
  },
  amountPaidMinor: {
    column: minorUnits,
    initial: 0,
    as: 'amountPaid',
    wire: () => z.string().meta({ description: '0.00 until it is paid' }),
    show: ({ amountPaidMinor, currency }: Amounts) => formatAmount(amountPaidMinor, currency),
  },
  paidAt: {
    column: nullable(instant),
    initial: null,
    wire: () => instantOut().nullable().meta({ description: 'When the money arrived' }),
  },
  finalizedAt: { column: nullable(instant), initial: null, wire: () => instantOut().nullable() },
  cancelledAt: { column: nullable(instant), initial: null, wire: () => instantOut().nullable() },
  cancelReason: {
    column: nullable(text),
    initial: null,
    wire: () => z.string().nullable().meta({ description: 'Why it was cancelled' }),
  },
  version: {
    column: int,
    initial: 1,
    wire: () => z.int().min(1).meta({ description: 'Grows by one with each step, and not by what time brings' }),
  },
  createdAt: { column: instant, fixed: true, wire: instantOut },
  updatedAt: { column: instant, wire: instantOut },
  /** When overdue begins, or began; set by finalize. */
  overdueAt: { column: nullable(instant), initial: null },
  /** When InvoiceOverdue was recorded. */
  overdueToldAt: { column: nullable(instant), initial: null },
  /** The number of the latest reminder that was recorded; 0 before the first. */
  remindersSent: { column: int, initial: 0 },
} as const satisfies Members;

type Stored = StateOf<typeof invoiceMembers>;

/** An invoice as a step sees it: the lifecycle says from where a step may start, and where it leads. */
export interface InvoiceFields extends Omit<Stored, 'status'> {}

/** What an invoice has before the step that drafts it says more. */
export interface NewInvoice extends InitialOf<typeof invoiceMembers> {
  tenantId: string;
  id: string;
  createdAt: string;
  updatedAt: string;
}
