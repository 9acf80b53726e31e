import type { InvoiceInput, InvoiceView } from './contract/invoice.ts';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { overdueBegins } from '../invoices/due.ts';
import { type AttributeValues, changedAttributes } from './attributes.ts';

/** The attributes of an invoice's workflow that a new view changes. */
export const invoiceAttributes = (
  { tenantId }: InvoiceInput,
  before: InvoiceView | null,
  after: InvoiceView | null,
): SearchAttributeUpdatePair[] =>
  after ? changedAttributes(before && valuesOf(tenantId, before), valuesOf(tenantId, after)) : [];

const valuesOf = (billingTenant: string, { invoice, openAmountMinor }: InvoiceView): AttributeValues => ({
  billingTenant,
  invoiceStatus: invoice.status,
  invoiceNumber: invoice.number,
  customerReference: invoice.customerReference,
  currency: invoice.currency,
  openAmountMinor,
  overdue: invoice.overdue || null,
  // Temporal takes no year of five digits.
  dueAt: invoice.dueDate === null ? null : new Date(overdueBegins(invoice.dueDate)),
  // Nothing is stuck while a view is shown.
  stuck: null,
});
