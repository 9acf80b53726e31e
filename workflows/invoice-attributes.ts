/** The search attributes of an invoice's workflow: what support filters by. */
import { overdueBegins } from '../invoices/due.ts';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { type InvoiceInput, type InvoiceView, searchAttributes } from './contract.ts';

/**
 * The attributes that differ between two views, so that a step writes only what it changed. The first view writes all
 * of them, the empty ones too: a run that staff have started like another one has that one's attributes.
 */
export function invoiceAttributes(
  { tenantId }: InvoiceInput,
  before: InvoiceView | null,
  after: InvoiceView | null,
): SearchAttributeUpdatePair[] {
  if (!after) return [];
  const old = before && valuesOf(tenantId, before);
  return Object.entries(valuesOf(tenantId, after))
    .filter(([name, value]) => !old || String(old[name as keyof typeof old]) !== String(value))
    .map(
      ([name, value]) =>
        ({ key: searchAttributes[name as keyof typeof searchAttributes], value }) as SearchAttributeUpdatePair,
    );
}

invoiceAttributes.stuck = (value: boolean): SearchAttributeUpdatePair[] => [
  { key: searchAttributes.stuck, value: value || null },
];

const valuesOf = (billingTenant: string, { invoice, openAmountMinor }: InvoiceView) => ({
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
