/**
 * What each step of an invoice is tried with, and what is expected of it, written out: a table that were computed from
 * the code could not contradict it. A new step has an entry here; the tests of all steps read it.
 */
import fc from 'fast-check';
import type { Action, ActionBodies, Invoice, Status, Step, TimedStep } from '../../invoices/lifecycle.ts';
import type { PayBody } from '../../invoices/steps/pay.ts';
import { invoiceTexts } from '../../values/text.ts';
import {
  amountMember,
  currencyMember,
  dateMember,
  dateText,
  instantMember,
  objectText,
  textMember,
  textNear,
  uuidMember,
} from './odd-values.ts';

export const CREATED = '2030-01-01T08:00:00.000Z';
export const NOW = '2030-01-31T12:00:00.000Z';
export const TENANT = '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01';
export const INVOICE = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
export const CASHIER = '3f0a4c55-0a5e-4f0a-9b36-6a1f0a9d7c11';
const tenantId = TENANT;

/** What is recorded of a command. */
export interface Recorded {
  rule: string;
  /** What the command carries beside its head. */
  asked?: object;
  state: Invoice;
  /** What a person gave as the reason. */
  reason?: string | null;
  /** The events, by the names of the catalogue, with what they carry. */
  told: [event: string, data: unknown][];
  payments?: number;
}

interface ActionSample<A extends Action> {
  /** A body that is right in every respect, as it is parsed. */
  body: ActionBodies[A];
  /**
   * Bodies for sequences of commands. Few values, so that many payments fit: about one sequence in sixteen ends paid.
   */
  anyBody: fc.Arbitrary<ActionBodies[A]>;
  /** The types of its events as subscribers know them: a rename would break them. */
  types: Readonly<Record<string, string>>;
  /** One row, or more where it depends. */
  recorded: readonly Recorded[];
}

interface StepSample<S extends Step> extends ActionSample<S> {
  /** JSON texts near what REST takes. */
  rest: fc.Arbitrary<string>;
  /** Values near what staff type. */
  staff: fc.Arbitrary<unknown>;
}

type Samples = { readonly [S in Step]: StepSample<S> } & { readonly [S in TimedStep]: ActionSample<S> };

const euroDraft: Invoice = {
  tenantId: TENANT,
  id: INVOICE,
  name: 'Hosting, January',
  customerReference: 'C-7731',
  status: 'draft',
  amountMinor: 120_000,
  currency: 'EUR',
  dueDate: '2030-02-28',
  cashierId: null,
  number: null,
  amountPaidMinor: 0,
  paidAt: null,
  finalizedAt: null,
  cancelledAt: null,
  cancelReason: null,
  version: 1,
  createdAt: CREATED,
  updatedAt: CREATED,
  overdueAt: null,
  overdueToldAt: null,
  remindersSent: 0,
};
const euroFinalized: Invoice = {
  ...euroDraft,
  status: 'finalized',
  number: 'INV-2030-000001',
  finalizedAt: CREATED,
  overdueAt: '2030-03-01T00:00:00.000Z',
  version: 2,
};
/** An invoice of each status, in euros. */
export const invoices: Record<Status, Invoice> = {
  draft: euroDraft,
  finalized: euroFinalized,
  paid: { ...euroFinalized, status: 'paid', amountPaidMinor: 120_000, paidAt: CREATED, version: 3 },
  cancelled: { ...euroFinalized, status: 'cancelled', cancelledAt: CREATED, version: 3 },
};

/** Where the steps lead, from each status. */
export const leads: Record<Status, Partial<Record<Step, Status>>> = {
  draft: { update: 'draft', finalize: 'finalized', cancel: 'cancelled' },
  finalized: { pay: 'paid', cancel: 'cancelled' },
  paid: {},
  cancelled: {},
};

/** The same in dinars, as records tell of them. */
export const draft: Invoice = {
  ...euroDraft,
  customerReference: null,
  amountMinor: 1200,
  currency: 'KWD', // three decimals: a shift by two would show
  dueDate: '2030-01-30',
  cashierId: CASHIER,
};
export const finalized: Invoice = {
  ...draft,
  status: 'finalized',
  number: 'INV-2030-000001',
  finalizedAt: CREATED,
  overdueAt: '2030-01-31T00:00:00.000Z',
  version: 2,
};
export const paid: Invoice = { ...finalized, status: 'paid', amountPaidMinor: 1200, paidAt: NOW, version: 3 };
export const cancelled: Invoice = {
  ...finalized,
  status: 'cancelled',
  cancelledAt: NOW,
  cancelReason: 'Ordered twice',
  version: 3,
};
/** What subscribers are to see; written out, so that no function of the service can agree with itself. */
export const draftOut = {
  id: INVOICE,
  name: 'Hosting, January',
  customerReference: null,
  status: 'draft',
  overdue: false,
  amount: '1.200',
  currency: 'KWD',
  dueDate: '2030-01-30',
  cashierId: CASHIER,
  number: null,
  amountPaid: '0.000',
  paidAt: null,
  finalizedAt: null,
  cancelledAt: null,
  cancelReason: null,
  version: 1,
  createdAt: CREATED,
  updatedAt: CREATED,
};
export const finalizedOut = {
  ...draftOut,
  status: 'finalized',
  overdue: true, // since the morning of the day on which all this happens
  number: 'INV-2030-000001',
  finalizedAt: CREATED,
  version: 2,
};
export const paidOut = {
  ...finalizedOut,
  status: 'paid',
  overdue: false,
  amountPaid: '1.200',
  paidAt: NOW,
  version: 3,
};
export const cancelledOut = {
  ...finalizedOut,
  status: 'cancelled',
  overdue: false,
  cancelledAt: NOW,
  cancelReason: 'Ordered twice',
  version: 3,
};
export const payBody: PayBody = {
  amountMinor: 1200,
  currency: 'KWD',
  method: 'wire',
  reference: 'PAY-1',
  receivedAt: '2030-01-30T10:00:00.000Z',
};

const { name, customerReference, method, reference, reason } = invoiceTexts;
/** An invoice as REST takes it, and JSON texts near it. */
export const restMembers = {
  name: textMember(name[1]),
  amount: amountMember,
  currency: currencyMember,
  customerReference: textMember(customerReference[1]),
  dueDate: dateMember,
  cashierId: uuidMember,
};
export const restPayment = {
  amount: amountMember,
  currency: currencyMember,
  method: textMember(method[1]),
  reference: textMember(reference[1]),
  receivedAt: instantMember,
};

const textOf = ([, max]: readonly [number, number]) => fc.oneof(textNear(max), fc.constant('Hosting'));
const usually = (value: unknown, ...odd: fc.Arbitrary<unknown>[]) => fc.oneof(fc.constant(value), ...odd);

const amountMinor = usually(120_000, fc.integer({ min: -1, max: 1e14 + 1 }), fc.double());
const currency = usually('EUR', fc.constantFrom('JPY', 'eur', 'ZZZ', 'XXX', 'ISK', 'EU\0'));
const instants = dateText.map((date) => `${date}T10:00:00+02:00`);
const staffMembers = {
  name: textOf(invoiceTexts.name),
  amountMinor,
  currency,
  customerReference: usually(null, textOf(invoiceTexts.customerReference)),
  dueDate: usually(null, dateText),
  cashierId: usually(null, fc.uuid()),
};

const anyReference = fc.constantFrom('PAY-1', 'PAY-2');
// Few values, so that many payments fit their invoice: about one sequence in sixteen ends paid.
const money = { amountMinor: fc.constantFrom(1, 2), currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'JPY') };
const anyDueDate = fc.constantFrom(null, '2030-01-30', '2030-01-31', '2030-06-01');
const anyCashierId = fc.constantFrom(null, null, CASHIER);

export const samples: Samples = {
  create: {
    body: {
      name: 'Hosting, January',
      amountMinor: 120_000,
      currency: 'EUR',
      customerReference: null,
      dueDate: null,
      cashierId: null,
    },
    anyBody: fc.record({
      ...money,
      name: fc.constant('Hosting'),
      customerReference: fc.constant(null),
      dueDate: anyDueDate,
      cashierId: anyCashierId,
    }),
    rest: objectText(restMembers),
    staff: fc.record(staffMembers, { noNullPrototype: true }),
    types: { InvoiceCreated: 'billing.invoice.created.v1', InvoiceGenerated: 'billing.invoice.generated.v1' },
    recorded: [
      {
        rule: 'INV-02',
        state: draft,
        told: [
          ['InvoiceCreated', { tenantId, invoice: draftOut }],
          ['InvoiceGenerated', { tenantId, invoiceId: INVOICE, invoiceAmount: '1.200' }],
        ],
      },
    ],
  },
  update: {
    body: { name: 'Hosting and backup' },
    anyBody: fc.oneof(
      fc.record(money),
      fc.record({ dueDate: anyDueDate }),
      fc.record({ cashierId: anyCashierId }),
      fc.constant({}),
    ),
    rest: objectText(restMembers, { allOptional: true }),
    staff: fc.record(
      { ...staffMembers, amount: fc.constantFrom('1300.00', '1300', '0', '1e3', '1.23456', '99999999999999') },
      { requiredKeys: [], noNullPrototype: true },
    ),
    types: { InvoiceUpdated: 'billing.invoice.updated.v1' },
    recorded: [
      {
        rule: 'INV-20',
        state: { ...draft, amountMinor: 5, currency: 'JPY', version: 2 },
        told: [
          [
            'InvoiceUpdated',
            { tenantId, invoice: { ...draftOut, amount: '5', amountPaid: '0', currency: 'JPY', version: 2 } },
          ],
        ],
      },
    ],
  },
  finalize: {
    body: {},
    anyBody: fc.constant({}),
    rest: objectText({}),
    staff: fc.constant({}),
    types: { InvoiceFinalized: 'billing.invoice.finalized.v1' },
    recorded: [
      {
        rule: 'INV-21',
        state: finalized,
        told: [
          [
            'InvoiceFinalized',
            { tenantId, invoice: finalizedOut, number: 'INV-2030-000001', finalTotalAmount: '1.200' },
          ],
        ],
      },
    ],
  },
  pay: {
    body: { amountMinor: 120_000, currency: 'EUR', method: 'bank transfer', reference: 'PAY-1', receivedAt: null },
    anyBody: fc.record({
      ...money,
      reference: anyReference,
      method: fc.constant('wire'),
      receivedAt: fc.constantFrom(null, NOW),
    }),
    rest: objectText(restPayment),
    staff: fc.record(
      {
        amountMinor,
        currency,
        method: textOf(invoiceTexts.method),
        reference: textOf(invoiceTexts.reference),
        receivedAt: usually(null, instants),
      },
      { noNullPrototype: true },
    ),
    types: { InvoicePaid: 'billing.invoice.paid.v1' },
    recorded: [
      {
        rule: 'INV-42',
        asked: { body: payBody },
        state: paid,
        told: [
          [
            'InvoicePaid',
            {
              tenantId,
              invoice: paidOut,
              payment: {
                amount: '1.200',
                currency: 'KWD',
                method: 'wire',
                reference: 'PAY-1',
                receivedAt: '2030-01-30T10:00:00.000Z',
              },
            },
          ],
        ],
        payments: 1,
      },
    ],
  },
  cancel: {
    body: { reason: 'Ordered twice' },
    anyBody: fc.record({ reason: fc.constantFrom(null, 'Ordered twice') }),
    rest: objectText({ reason: textMember(reason[1]) }),
    staff: fc.record({ reason: usually(null, textOf(invoiceTexts.reason)) }, { noNullPrototype: true }),
    types: { InvoiceCancelled: 'billing.invoice.cancelled.v1' },
    recorded: [
      {
        rule: 'INV-30',
        asked: { body: { reason: 'Ordered twice' } },
        reason: 'Ordered twice',
        state: cancelled,
        told: [['InvoiceCancelled', { tenantId, invoice: cancelledOut, reason: 'Ordered twice' }]],
      },
      {
        rule: 'INV-30',
        asked: { body: { reason: null } },
        state: { ...cancelled, cancelReason: null },
        told: [['InvoiceCancelled', { tenantId, invoice: { ...cancelledOut, cancelReason: null }, reason: null }]],
      },
    ],
  },
  overdue: {
    body: {},
    anyBody: fc.constant({}),
    types: { InvoiceOverdue: 'billing.invoice.overdue.v1' },
    recorded: [
      {
        rule: 'TIM-01',
        state: { ...finalized, overdueToldAt: NOW },
        told: [['InvoiceOverdue', { tenantId, invoice: finalizedOut }]],
      },
    ],
  },
  remind: {
    body: { number: 1 },
    anyBody: fc.record({ number: fc.integer({ min: 1, max: 5 }) }),
    types: { InvoicePaymentReminderDue: 'billing.invoice.payment-reminder-due.v1' },
    recorded: [
      {
        rule: 'TIM-02',
        asked: { body: { number: 2 } },
        state: { ...finalized, remindersSent: 2 },
        told: [['InvoicePaymentReminderDue', { tenantId, invoice: finalizedOut, reminder: 2, reminders: 5 }]],
      },
    ],
  },
};
