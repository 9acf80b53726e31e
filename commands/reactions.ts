/**
 * What follows from a domain event, in the transaction of the step that caused it: one row an event, its reactions in
 * the order in which they run. A reaction answers with the rows it writes; one that throws fails the whole step, and
 * one with `refuses` can refuse it before anything is written.
 */
import { v7 as uuidv7 } from 'uuid';
import type { Cashier } from '../cashiers/cashier.ts';
import { cashierToWire } from '../cashiers/wire.ts';
import type { CommandHead } from './decision.ts';
import type { CashierEvent, DomainEvent, InvoiceEvent } from './domain-events.ts';
import type { Refusal } from './refusal.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { paymentToWire, toWire } from '../invoices/wire.ts';
import { formatAmount } from '../values/money.ts';
import { type AuditHead, type AuditRow, auditRow } from './audit.ts';
import type { EventData, FactIds, PlacedEvent } from '../messaging/catalogue.ts';
import { type WireSettings, streamPlace } from '../messaging/cloud-event.ts';
import { type OutboxRow, outboxRow } from './outbox.ts';

/** The entity as it is after the step; which one a domain event is about follows from its name. */
type StateOf<E extends DomainEvent> = E extends InvoiceEvent ? Invoice : Cashier;

/** A step that was accepted: what a reaction is told. */
export interface Occurrence<E extends DomainEvent = DomainEvent> {
  event: E;
  state: StateOf<E>;
  step: string;
  command: CommandHead;
  /** The end of the entity's audit chain before the step. */
  auditHead: AuditHead;
  /** RFC 3339; the time of the commit as near as it can be known. */
  recordedAt: string;
  /** The next sequence of a stream; taken before any reaction runs. */
  nextSequence: (stream: string) => bigint;
  wire: WireSettings;
}

/** Rows to insert, by table and by the names of their columns. */
export interface Rows {
  payments: PaymentRow[];
  cashier_payments: (Omit<PaymentRow, 'id'> & { payment_id: string; cashier_id: string })[];
  audit_entries: AuditRow[];
  outbox_events: OutboxRow[];
}

interface PaymentRow {
  tenant_id: string;
  id: string;
  invoice_id: string;
  amount_minor: number;
  currency: string;
  method: string;
  reference: string;
  received_at: string;
  recorded_at: string;
}

export interface Reaction<E extends DomainEvent> {
  /** The integration event it publishes, known before the step is complete: streams are locked before numbers are drawn. */
  publishes?: PlacedEvent;
  refuses?: (event: E, state: StateOf<E>) => Refusal | null;
  react: (occurrence: Occurrence<E>, soFar: Rows) => Partial<Rows>;
}

type Named<N extends DomainEvent['name']> = Extract<DomainEvent, { name: N }>;
export type Reactions = { readonly [N in DomainEvent['name']]: readonly Reaction<Named<N>>[] };

/** Who did what, when and why, with the entity after it. */
const audit: Reaction<DomainEvent> = {
  react: ({ event, state, step, command, auditHead }) => ({
    audit_entries: [
      auditRow(auditHead, {
        entityType: 'number' in state ? 'invoice' : 'cashier',
        state,
        status: 'number' in state ? state.status : null,
        action: step,
        command,
        reason: 'reason' in event ? event.reason : null,
      }),
    ],
  }),
};

/** Puts an integration event into the outbox. */
const publish = <E extends DomainEvent, N extends PlacedEvent>(
  name: N,
  data: (occurrence: Occurrence<E>) => EventData<N>,
): Reaction<E> => ({
  publishes: name,
  react: (occurrence) => {
    const ids = factIds(occurrence);
    const { stream } = streamPlace(name, ids, occurrence.wire.environment);
    const context = {
      sequence: occurrence.nextSequence(stream),
      time: occurrence.recordedAt,
      causationId: occurrence.command.key,
    };
    return { outbox_events: [outboxRow(name, ids, data(occurrence), context, occurrence.wire)] };
  },
});

/** The ids of the entity that an event is about. */
export const factIds = ({ state }: { state: Invoice | Cashier }): FactIds =>
  'number' in state
    ? { tenantId: state.tenantId, invoiceId: state.id }
    : { tenantId: state.tenantId, cashierId: state.id };

const recordPayment: Reaction<Named<'invoicePaid'>> = {
  react: ({ event: { payment }, state, command }) => ({
    payments: [
      {
        tenant_id: state.tenantId,
        id: uuidv7(),
        invoice_id: state.id,
        amount_minor: payment.amountMinor,
        currency: payment.currency,
        method: payment.method,
        reference: payment.reference,
        received_at: payment.receivedAt,
        recorded_at: command.acceptedAt,
      },
    ],
  }),
};

/** The payment as one of the invoice's cashier, when it has one (INV-43). */
const creditCashier: Reaction<Named<'invoicePaid'>> = {
  react: ({ state: { cashierId } }, { payments }) =>
    cashierId === null
      ? {}
      : {
          cashier_payments: payments.map(({ id, ...payment }) => ({
            ...payment,
            payment_id: id,
            cashier_id: cashierId,
          })),
        },
};

const whole = ({ state, command }: Occurrence<InvoiceEvent>) => ({
  tenantId: state.tenantId,
  invoice: toWire(state, command.acceptedAt),
});
const amountOf = ({ amountMinor, currency }: Invoice): string => formatAmount(amountMinor, currency);
const wholeCashier = ({ state }: Occurrence<CashierEvent>) => ({
  tenantId: state.tenantId,
  cashier: cashierToWire(state),
});

export const reactions: Reactions = {
  invoiceCreated: [
    audit,
    publish('InvoiceCreated', whole),
    publish('InvoiceGenerated', ({ state }) => ({
      tenantId: state.tenantId,
      invoiceId: state.id,
      invoiceAmount: amountOf(state),
    })),
  ],
  invoiceUpdated: [audit, publish('InvoiceUpdated', whole)],
  invoiceFinalized: [
    audit,
    publish('InvoiceFinalized', (step) => ({
      ...whole(step),
      number: required(step.state.number, 'number'),
      finalTotalAmount: amountOf(step.state),
    })),
  ],
  invoicePaid: [
    recordPayment,
    creditCashier,
    audit,
    publish('InvoicePaid', (step) => ({ ...whole(step), payment: paymentToWire(step.event.payment) })),
  ],
  invoiceCancelled: [audit, publish('InvoiceCancelled', (step) => ({ ...whole(step), reason: step.event.reason }))],
  invoiceBecameOverdue: [audit, publish('InvoiceOverdue', whole)],
  paymentReminderFellDue: [
    audit,
    publish('InvoicePaymentReminderDue', (step) => ({
      ...whole(step),
      reminder: step.event.reminder,
      reminders: step.event.reminders,
    })),
  ],
  paymentSimulated: [
    publish('PaymentReceived', ({ state, event: { payment } }) => ({
      tenantId: state.tenantId,
      invoiceId: state.id,
      amount: formatAmount(payment.amountMinor, payment.currency),
      currency: payment.currency,
      paymentMethod: payment.method,
      paymentReference: payment.reference,
      receivedAt: payment.receivedAt,
    })),
  ],
  cashierCreated: [audit, publish('CashierCreated', wholeCashier)],
  cashierUpdated: [audit, publish('CashierUpdated', wholeCashier)],
  cashierDeleted: [
    audit,
    publish('CashierDeleted', ({ state, event }) => ({
      tenantId: state.tenantId,
      cashierId: state.id,
      deletedAt: event.deletedAt,
    })),
  ],
  currencyAccepted: [audit],
  currencyDropped: [audit],
};

/** The reactions to one event, typed for it. */
export const reactionsTo = (table: Reactions, { name }: DomainEvent): readonly Reaction<DomainEvent>[] =>
  table[name] as readonly Reaction<DomainEvent>[];

/** The streams that the reactions to an event publish to; one name for each event they publish. */
export const streamsOf = (table: Reactions, event: DomainEvent, ids: FactIds, environment: string): string[] =>
  reactionsTo(table, event).flatMap(({ publishes }) =>
    publishes ? [streamPlace(publishes, ids, environment).stream] : [],
  );

/** Runs the reactions in their order; each sees the rows of those before it. */
export function rowsOf(table: Reactions, occurrence: Occurrence): Rows {
  const rows: Rows = { payments: [], cashier_payments: [], audit_entries: [], outbox_events: [] };
  for (const { react } of reactionsTo(table, occurrence.event)) {
    for (const [name, added] of Object.entries(react(occurrence, rows))) {
      (rows[name as keyof Rows] as unknown[]).push(...added);
    }
  }
  return rows;
}

function required<T>(value: T | null, what: string): T {
  if (value === null) throw new TypeError(`An accepted step lacks its ${what}.`);
  return value;
}
