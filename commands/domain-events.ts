/**
 * What happens inside: a step of an entity is one domain event. It never leaves the process; what follows from it is
 * in commands/reactions.ts, and runs in the same transaction.
 */
import type { Payment, PayBody } from '../invoices/invoice.ts';

export type InvoiceEvent =
  | { name: 'invoiceCreated' }
  | { name: 'invoiceUpdated' }
  | { name: 'invoiceFinalized' }
  | { name: 'invoicePaid'; payment: Payment }
  | { name: 'invoiceCancelled'; reason: string | null }
  | { name: 'invoiceBecameOverdue' }
  | { name: 'paymentReminderFellDue'; reminder: number; reminders: number }
  /** A payment as a gateway would report it; it changes nothing by itself. */
  | { name: 'paymentSimulated'; payment: PayBody };

export type CashierEvent =
  | { name: 'cashierCreated' }
  | { name: 'cashierUpdated' }
  | { name: 'cashierDeleted'; deletedAt: string }
  | { name: 'currencyAccepted'; currency: string; effectiveFrom: string }
  | { name: 'currencyDropped'; currency: string };

export type DomainEvent = InvoiceEvent | CashierEvent;
