/**
 * The integration events: one row each. Topics, partition keys, wire types, JSON Schemas and the published
 * documentation are computed from these rows; nothing about an event is written twice.
 *
 * An event is a contract with other services. It is a snapshot, named in the past tense; a change that a subscriber
 * could notice is a new version beside the old one.
 */
import { z } from 'zod';
import { invoiceSchema, paymentSchema, uuid } from '../domain/invoice-schema.ts';
import type { TopicParts } from './topics.ts';

/** The ids of the entities a fact is about: partition keys and subjects are made of them. */
export interface FactIds {
  tenantId: string;
  invoiceId: string;
}

export interface EventRow extends TopicParts {
  version: number;
  /** The ids that make the partition key, in this order, tenant first. */
  key: readonly (keyof FactIds)[];
  /** The id of the entity the event is about. */
  subject: keyof FactIds;
  schema: z.ZodType;
  description: string;
}

const tenantId = z.guid();
/** What all events of an invoice have in common: its topic, its key, its subject. */
const ofInvoice = { entity: 'Invoice', version: 1, key: ['tenantId', 'invoiceId'], subject: 'invoiceId' } as const;
const withInvoice = <T extends z.ZodRawShape>(more: T) => z.strictObject({ tenantId, invoice: invoiceSchema, ...more });

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
      receivedAt: z.iso.datetime({ offset: true }).nullish(),
    }),
    description: 'Received from a payment gateway: somebody has paid an invoice.',
  },
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof catalog;
export const eventNames = Object.keys(catalog) as EventName[];
export type EventData<N extends EventName> = z.infer<(typeof catalog)[N]['schema']>;
