/** An invoice as callers and subscribers see it. */
import { z } from 'zod';
import { toWireShape, wireShape } from '../commands/members.ts';
import { type Invoice, statuses } from './lifecycle.ts';
import { invoiceMembers } from './members.ts';

export const invoiceExample = {
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
} as const;

export const invoiceSchema = z.strictObject({ ...wireShape(invoiceMembers), status: z.enum(statuses) }).meta({
  id: 'Invoice',
  example: invoiceExample,
});
export type WireInvoice = z.infer<typeof invoiceSchema>;

/** The invoice as it is seen at the instant `now`: `overdue` depends on the day. */
export const toWire = (invoice: Invoice, now: string): WireInvoice => ({
  ...toWireShape(invoiceMembers, invoice, now),
  status: invoice.status,
});
