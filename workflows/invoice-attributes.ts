/** The search attributes of an invoice's workflow: what support filters by. */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { overdueBegins } from '../domain/timers.ts';
import { type InvoiceView, searchAttributes } from './contract.ts';

/** The attributes that differ between two views, so that a step writes only what it changed. */
export function invoiceAttributes(before: InvoiceView | null, after: InvoiceView | null): SearchAttributeUpdatePair[] {
  const old = before ? valuesOf(before) : {};
  return Object.entries(after ? valuesOf(after) : {})
    .filter(([name, value]) => String(old[name as keyof typeof old] ?? null) !== String(value))
    .map(
      ([name, value]) =>
        ({ key: searchAttributes[name as keyof typeof searchAttributes], value }) as SearchAttributeUpdatePair,
    );
}

invoiceAttributes.stuck = (value: boolean): SearchAttributeUpdatePair[] => [
  { key: searchAttributes.stuck, value: value || null },
];

const valuesOf = ({ invoice, openAmountMinor }: InvoiceView) => ({
  invoiceStatus: invoice.status,
  invoiceNumber: invoice.number,
  customerReference: invoice.customerReference,
  currency: invoice.currency,
  openAmountMinor,
  overdue: invoice.overdue || null,
  // Temporal takes no year of five digits.
  dueAt: invoice.dueDate === null ? null : new Date(overdueBegins(invoice.dueDate)),
});
