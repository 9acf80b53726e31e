/** How an invoice is stored and audited. */
import { defineEntity } from '../commands/entity.ts';
import { fromRow, type Row } from '../commands/members.ts';
import { refusal } from '../commands/refusal.ts';
import type { Invoice } from './lifecycle.ts';
import { invoiceMembers } from './members.ts';
import { timersOf } from './timers.ts';

export const invoiceEntity = defineEntity<typeof invoiceMembers, Invoice>({
  type: 'invoice',
  table: 'invoices',
  members: invoiceMembers,
  // A workflow that is missing then is started.
  further: {
    columns: ['next_timer_at'],
    of: (invoice) => ({ next_timer_at: timersOf(invoice)[0]?.at ?? null }),
  },
  ids: ({ tenantId, id }) => ({ tenantId, invoiceId: id }),
  status: ({ status }) => status,
  // Two payments with one reference at the same moment: the loser's insert says so.
  refusalOf: (constraint) =>
    constraint === 'payments_tenant_reference_key'
      ? refusal('payment_reference_used', 'The payment reference belongs to another payment.')
      : undefined,
});

/** A row of `invoices` as the rules see it; a CHECK constraint holds what its status may be. */
export const toInvoice = (row: Row): Invoice => fromRow(invoiceMembers, row) as Invoice;
