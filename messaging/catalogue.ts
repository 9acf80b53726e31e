/**
 * The integration events: one row each. Topics, partition keys, wire types, JSON Schemas and the published
 * documentation are computed from these rows; nothing about an event is written twice.
 *
 * An event is a contract with other services. It is a snapshot, named in the past tense; a change that a subscriber
 * could notice is a new version beside the old one.
 */
import { z } from 'zod';
import { cashierSchema } from '../cashiers/schemas.ts';
import { calendarDate, instant, invoiceSchema, paymentSchema, uuid } from '../invoices/schemas.ts';
import { dayTexts } from '../values/text.ts';
import { oneLine } from '../values/text-schema.ts';
import type { TopicParts } from './topics.ts';

/** What partition keys and subjects are made of: ids of entities, and the day of a business day. */
export type FactIds = Partial<Record<'tenantId' | 'invoiceId' | 'cashierId' | 'businessDate', string>>;

export interface EventRow extends TopicParts {
  /** The event's name, where the catalogue needs another: InvoicePaidV2 is InvoicePaid, version 2. */
  name?: string;
  version: number;
  /** The parts of the partition key, in this order, tenant first. Without it the key is the event's id. */
  key?: readonly (keyof FactIds)[];
  /** The part that names what the event is about. */
  subject: keyof FactIds;
  /** It has no topic and key of its own: it is sent in another event's place, under that one's topic, key and sequence. */
  inPlaceOfAnother?: true;
  /** What the data must look like. Without it nobody can handle the event. */
  schema?: z.ZodType;
  description: string;
}

const tenantId = z.guid();
/** What all events of an entity have in common: its topic, its key, its subject. */
const ofInvoice = { entity: 'Invoice', version: 1, key: ['tenantId', 'invoiceId'], subject: 'invoiceId' } as const;
const ofCashier = {
  entity: 'Cashier',
  version: 1,
  scope: 'public',
  key: ['tenantId', 'cashierId'],
  subject: 'cashierId',
} as const;
const withInvoice = <T extends z.ZodRawShape>(more: T) => z.strictObject({ tenantId, invoice: invoiceSchema, ...more });
const withCashier = z.strictObject({ tenantId, cashier: cashierSchema });

export const catalog = {
  InvoiceCreated: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({}),
    description: 'An invoice was drafted.',
  },
  InvoiceUpdated: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({}),
    description: 'A draft was changed; the invoice is whole, not a difference.',
  },
  InvoiceFinalized: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({ number: z.string(), finalTotalAmount: z.string() }),
    description: 'A draft became an invoice with a public number and a final amount.',
  },
  InvoicePaid: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({ payment: paymentSchema }),
    description: 'A finalized invoice was paid in full.',
  },
  InvoiceCancelled: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({ reason: z.string().nullable() }),
    description: 'A draft or a finalized invoice was cancelled.',
  },
  InvoiceOverdue: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({}),
    description: 'A finalized invoice was not paid by its due date; told once.',
  },
  InvoicePaymentReminderDue: {
    ...ofInvoice,
    scope: 'public',
    schema: withInvoice({
      reminder: z.int().min(1).meta({ description: 'Which reminder this is' }),
      reminders: z.int().min(1).meta({ description: 'How many there are at most' }),
    }),
    description: 'It is time to ask for the payment of a finalized invoice.',
  },
  InvoiceGenerated: {
    ...ofInvoice,
    scope: 'internal',
    schema: z.strictObject({ tenantId, invoiceId: z.guid(), invoiceAmount: z.string() }),
    description: 'Within billing: an invoice exists, with this amount.',
  },
  PaymentReceived: {
    entity: 'Payment',
    version: 1,
    scope: 'public',
    key: ['tenantId', 'invoiceId'],
    subject: 'invoiceId',
    // From gateways: further members are theirs.
    schema: z.object({
      tenantId: uuid,
      invoiceId: uuid,
      amount: z.string(),
      currency: z.string(),
      paymentMethod: z.string(),
      paymentReference: z.string(),
      receivedAt: instant.nullish(),
    }),
    description: 'Received from a payment gateway: somebody has paid an invoice.',
  },
  BusinessDayEnded: {
    domain: 'accounting',
    entity: 'BusinessDay',
    topic: 'operations',
    version: 1,
    scope: 'public',
    key: ['tenantId', 'businessDate'],
    subject: 'businessDate',
    // From accounting: further members are theirs.
    schema: z.object({
      tenantId: uuid.nullish().meta({ description: 'All tenants when absent' }),
      businessDate: calendarDate,
      market: oneLine(...dayTexts.market).nullish(),
      region: oneLine(...dayTexts.region).nullish(),
    }),
    description: 'Received from accounting: a business day is over, drafts that are due get their numbers.',
  },
  CashierCreated: { ...ofCashier, schema: withCashier, description: 'A cashier was added.' },
  CashierUpdated: { ...ofCashier, schema: withCashier, description: 'A cashier was changed; the cashier is whole.' },
  CashierDeleted: {
    ...ofCashier,
    schema: z.strictObject({ tenantId, cashierId: z.guid(), deletedAt: z.iso.datetime() }),
    description: 'A cashier without invoices was removed.',
  },
  EventWithheld: {
    entity: 'Event',
    version: 1,
    scope: 'public',
    subject: 'tenantId',
    inPlaceOfAnother: true,
    schema: z.strictObject({
      withheldId: z.guid().meta({ description: 'The CloudEvents id of the event that is not sent' }),
      withheldType: z.string(),
      reason: z.string(),
    }),
    description: 'Stands in the place of an event that cannot be sent: its topic, its key, its sequence.',
  },
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof catalog;
/** Events with a topic and a key of their own. */
export type PlacedEvent = {
  [N in EventName]: (typeof catalog)[N] extends { inPlaceOfAnother: true } ? never : N;
}[EventName];
export const eventNames = Object.keys(catalog) as EventName[];
export type EventData<N extends EventName> = z.infer<(typeof catalog)[N]['schema']>;
