import { describe, expect, it } from 'vitest';
import type { Cashier } from '../../cashiers/cashier.ts';
import type { CommandHead } from '../../commands/decision.ts';
import type { DomainEvent } from '../../commands/domain-events.ts';
import type { Invoice, Payment } from '../../invoices/invoice.ts';
import { type EventName, catalog, eventNames } from '../../messaging/catalogue.ts';
import { eventType } from '../../messaging/cloud-event.ts';
import {
  type Occurrence,
  type Reaction,
  type Reactions,
  type Rows,
  factIds,
  reactions,
  reactionsTo,
  rowsOf,
  streamsOf,
} from '../../commands/reactions.ts';

const CREATED = '2030-01-01T08:00:00.000Z';
const NOW = '2030-01-31T12:00:00.000Z';
const RECORDED = '2030-01-31T12:00:00.123Z';
const TENANT = '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01';
const INVOICE = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
const CASHIER = '3f0a4c55-0a5e-4f0a-9b36-6a1f0a9d7c11';
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

const draft: Invoice = {
  tenantId: TENANT,
  id: INVOICE,
  name: 'Hosting, January',
  customerReference: null,
  status: 'draft',
  amountMinor: 1200,
  currency: 'KWD', // three decimals: a shift by two would show
  dueDate: '2030-01-30',
  cashierId: CASHIER,
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
const finalized: Invoice = {
  ...draft,
  status: 'finalized',
  number: 'INV-2030-000001',
  finalizedAt: CREATED,
  overdueAt: '2030-01-31T00:00:00.000Z',
  version: 2,
};
const paid: Invoice = { ...finalized, status: 'paid', amountPaidMinor: 1200, paidAt: NOW, version: 3 };
const cancelled: Invoice = {
  ...finalized,
  status: 'cancelled',
  cancelledAt: NOW,
  cancelReason: 'Ordered twice',
  version: 3,
};
const cashier: Cashier = {
  tenantId: TENANT,
  id: CASHIER,
  name: 'Kasse Nord',
  email: 'Nord@example.com',
  version: 4,
  createdAt: CREATED,
  updatedAt: NOW,
  currencies: [{ currency: 'KWD', effectiveFrom: '2030-01-01' }],
};
const payment: Payment = {
  invoiceId: INVOICE,
  amountMinor: 1200,
  currency: 'KWD',
  method: 'wire',
  reference: 'PAY-1',
  receivedAt: '2030-01-30T10:00:00.000Z',
};

/** What subscribers are to see; written out, so that no function of the service can agree with itself. */
const draftOut = {
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
const finalizedOut = {
  ...draftOut,
  status: 'finalized',
  overdue: true, // since the morning of the day on which all this happens
  number: 'INV-2030-000001',
  finalizedAt: CREATED,
  version: 2,
};
const paidOut = { ...finalizedOut, status: 'paid', overdue: false, amountPaid: '1.200', paidAt: NOW, version: 3 };
const cancelledOut = {
  ...finalizedOut,
  status: 'cancelled',
  overdue: false,
  cancelledAt: NOW,
  cancelReason: 'Ordered twice',
  version: 3,
};
const cashierOut = {
  id: CASHIER,
  name: 'Kasse Nord',
  email: 'Nord@example.com',
  version: 4,
  createdAt: CREATED,
  updatedAt: NOW,
};

const command: CommandHead = {
  tenantId: TENANT,
  key: 'rest:5f2c',
  fingerprint: 'f00d',
  attemptId: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b',
  acceptedAt: NOW,
  actor: 'ada',
};
const wire = { environment: 'test', publicUrl: 'https://billing.example' };

/** Hands out the sequences of each stream from 7 on, as if 6 events had been before. */
function createSequences() {
  const last = new Map<string, bigint>();
  return (stream: string) => {
    const next = (last.get(stream) ?? 6n) + 1n;
    last.set(stream, next);
    return next;
  };
}

const occurrenceOf = (event: DomainEvent, state: Invoice | Cashier): Occurrence => ({
  event,
  state,
  step: 'step',
  command,
  auditHead: { sequence: 3, hash: 'abc' },
  recordedAt: RECORDED,
  nextSequence: createSequences(),
  wire,
});

const rowsAfter = (event: DomainEvent, state: Invoice | Cashier, table: Reactions = reactions): Rows =>
  rowsOf(table, occurrenceOf(event, state));

/** The integration events among the rows, by the names of the catalogue, with what they carry. */
const published = ({ outbox_events: rows }: Rows): [EventName | undefined, unknown][] =>
  rows.map(({ type, value }) => [eventNames.find((name) => eventType(name) === type), JSON.parse(value)]);

interface Expected {
  rule: string;
  event: DomainEvent;
  state: Invoice | Cashier;
  told: [EventName, unknown][];
  /** In the audit row; none when there is no such row. */
  audit: { reason: string | null } | null;
  payments?: number;
}
const tenantId = TENANT;

/** One row a domain event, or more where it depends. */
const table: Record<DomainEvent['name'], Expected[]> = {
  invoiceCreated: [
    {
      rule: 'INV-02',
      event: { name: 'invoiceCreated' },
      state: draft,
      told: [
        ['InvoiceCreated', { tenantId, invoice: draftOut }],
        ['InvoiceGenerated', { tenantId, invoiceId: INVOICE, invoiceAmount: '1.200' }],
      ],
      audit: { reason: null },
    },
  ],
  invoiceUpdated: [
    {
      rule: 'INV-20',
      event: { name: 'invoiceUpdated' },
      state: { ...draft, amountMinor: 5, currency: 'JPY', version: 2 },
      told: [
        [
          'InvoiceUpdated',
          { tenantId, invoice: { ...draftOut, amount: '5', amountPaid: '0', currency: 'JPY', version: 2 } },
        ],
      ],
      audit: { reason: null },
    },
  ],
  invoiceFinalized: [
    {
      rule: 'INV-21',
      event: { name: 'invoiceFinalized' },
      state: finalized,
      told: [
        ['InvoiceFinalized', { tenantId, invoice: finalizedOut, number: 'INV-2030-000001', finalTotalAmount: '1.200' }],
      ],
      audit: { reason: null },
    },
  ],
  invoicePaid: [
    {
      rule: 'INV-42',
      event: { name: 'invoicePaid', payment },
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
      audit: { reason: null },
      payments: 1,
    },
  ],
  invoiceCancelled: [
    {
      rule: 'INV-30',
      event: { name: 'invoiceCancelled', reason: 'Ordered twice' },
      state: cancelled,
      told: [['InvoiceCancelled', { tenantId, invoice: cancelledOut, reason: 'Ordered twice' }]],
      audit: { reason: 'Ordered twice' },
    },
    {
      rule: 'INV-30',
      event: { name: 'invoiceCancelled', reason: null },
      state: { ...cancelled, cancelReason: null },
      told: [['InvoiceCancelled', { tenantId, invoice: { ...cancelledOut, cancelReason: null }, reason: null }]],
      audit: { reason: null },
    },
  ],
  invoiceBecameOverdue: [
    {
      rule: 'TIM-01',
      event: { name: 'invoiceBecameOverdue' },
      state: { ...finalized, overdueToldAt: NOW },
      told: [['InvoiceOverdue', { tenantId, invoice: finalizedOut }]],
      audit: { reason: null },
    },
  ],
  paymentReminderFellDue: [
    {
      rule: 'TIM-02',
      event: { name: 'paymentReminderFellDue', reminder: 2, reminders: 5 },
      state: { ...finalized, remindersSent: 2 },
      told: [['InvoicePaymentReminderDue', { tenantId, invoice: finalizedOut, reminder: 2, reminders: 5 }]],
      audit: { reason: null },
    },
  ],
  paymentSimulated: [NOW, null].map((receivedAt) => ({
    rule: 'PAY-01',
    event: {
      name: 'paymentSimulated',
      payment: { amountMinor: 7, currency: 'EUR', method: 'credit card', reference: 'SIM-1', receivedAt },
    },
    state: finalized,
    told: [
      [
        'PaymentReceived',
        {
          tenantId,
          invoiceId: INVOICE,
          amount: '0.07',
          currency: 'EUR',
          paymentMethod: 'credit card',
          paymentReference: 'SIM-1',
          receivedAt,
        },
      ],
    ],
    audit: null,
  })),
  cashierCreated: [
    {
      rule: 'CSH-01',
      event: { name: 'cashierCreated' },
      state: cashier,
      told: [['CashierCreated', { tenantId, cashier: cashierOut }]],
      audit: { reason: null },
    },
  ],
  cashierUpdated: [
    {
      rule: 'CSH-02',
      event: { name: 'cashierUpdated' },
      state: cashier,
      told: [['CashierUpdated', { tenantId, cashier: cashierOut }]],
      audit: { reason: null },
    },
  ],
  cashierDeleted: [
    {
      rule: 'CSH-02',
      event: { name: 'cashierDeleted', deletedAt: NOW },
      state: cashier,
      told: [['CashierDeleted', { tenantId, cashierId: CASHIER, deletedAt: NOW }]],
      audit: { reason: null },
    },
  ],
  currencyAccepted: [
    {
      rule: 'CSH-04',
      event: { name: 'currencyAccepted', currency: 'KWD', effectiveFrom: '2030-01-01' },
      state: cashier,
      told: [],
      audit: { reason: null },
    },
  ],
  currencyDropped: [
    {
      rule: 'CSH-04',
      event: { name: 'currencyDropped', currency: 'JPY' },
      state: cashier,
      told: [],
      audit: { reason: null },
    },
  ],
};
const all = Object.values(table).flat();

const titled = all.map((row) => [row.rule, row.event.name, row] as const);

describe.each(titled)('%s: %s', (_rule, _name, { event, state, told, audit, payments = 0 }) => {
  const about = 'number' in state ? 'invoice' : 'cashier';
  const ids = about === 'invoice' ? { tenantId, invoiceId: INVOICE } : { tenantId, cashierId: CASHIER };

  it('tells others exactly this', () => {
    expect(published(rowsAfter(event, state))).toEqual(told);
  });

  it('MSG-05: what it tells fits the schemas of the catalogue', () => {
    const values = rowsAfter(event, state).outbox_events.map(({ value }) => JSON.parse(value) as unknown);
    expect(values.map((value, index) => catalog[told[index]![0]].schema.safeParse(value).error)).toEqual(
      told.map(() => undefined),
    );
  });

  // Streams are locked before any row is made: one that is not named beforehand has no sequence.
  it('MSG-02: the streams it names beforehand are those it publishes to, with their sequences', () => {
    const { outbox_events: rows } = rowsAfter(event, state);
    expect(streamsOf(reactions, event, ids, 'test')).toEqual(rows.map(({ stream }) => stream));
    expect(factIds({ state })).toEqual(ids);
    for (const { id, sequence, headers } of rows) {
      expect(sequence).toBe('7');
      expect(JSON.parse(headers)).toMatchObject({
        ce_id: id,
        ce_sequence: '7',
        ce_time: RECORDED,
        ce_causationid: 'rest:5f2c',
        ce_tenantid: TENANT,
        ce_subject: state.id,
      });
    }
  });

  it('INV-12, TIM-03: leaves its audit row, or none when nothing has changed', () => {
    const { audit_entries: rows } = rowsAfter(event, state);
    const row = {
      tenant_id: TENANT,
      entity_type: about,
      entity_id: state.id,
      sequence: 4,
      version: state.version,
      action: 'step',
      actor: 'ada',
      at: NOW,
      status: 'status' in state ? state.status : '',
      reason: audit?.reason,
      command_key: 'rest:5f2c',
      body: expect.any(String),
      previous_hash: 'abc',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    expect(rows).toEqual(audit ? [row] : []);
    expect(rows.map(({ body }) => JSON.parse(body) as unknown)).toEqual(audit ? [state] : []);
  });

  it('INV-42, INV-43: adds a payment, and the cashier’s, only when one was made', () => {
    const rows = rowsAfter(event, state);
    expect(rows.payments).toHaveLength(payments);
    expect(rows.cashier_payments).toHaveLength(payments);
  });
});

describe('payment', () => {
  const event = { name: 'invoicePaid', payment } as const;
  const row = {
    tenant_id: TENANT,
    invoice_id: INVOICE,
    amount_minor: 1200,
    currency: 'KWD',
    method: 'wire',
    reference: 'PAY-1',
    received_at: '2030-01-30T10:00:00.000Z',
    recorded_at: NOW,
  };

  it('INV-42: is one row, with when it was received and when it was recorded', () => {
    expect(rowsAfter(event, paid).payments).toEqual([{ ...row, id: expect.stringMatching(UUID_V7) }]);
  });

  it('INV-43, CSH-05: is one row of the invoice’s cashier, under the same id', () => {
    const { payments, cashier_payments: ofCashier } = rowsAfter(event, paid);
    expect(ofCashier).toEqual([{ ...row, payment_id: payments[0]?.id, cashier_id: CASHIER }]);
  });

  it('INV-43: of an invoice without cashier is no row of a cashier', () => {
    const rows = rowsAfter(event, { ...paid, cashierId: null });
    expect(rows.payments).toHaveLength(1);
    expect(rows.cashier_payments).toEqual([]);
  });

  it('INV-42: two payments have two ids', () => {
    const idOf = ({ payments }: Rows) => payments[0]?.id;
    expect(idOf(rowsAfter(event, paid))).not.toBe(idOf(rowsAfter(event, paid)));
  });
});

describe('order', () => {
  it('CSH-06: created, updated and deleted have one partition key on one topic', () => {
    const events: DomainEvent[] = [
      { name: 'cashierCreated' },
      { name: 'cashierUpdated' },
      { name: 'cashierDeleted', deletedAt: NOW },
    ];
    const places = events
      .flatMap((event) => rowsAfter(event, cashier).outbox_events)
      .map(({ topic, partition_key, stream, slot }) => ({ topic, partition_key, stream, slot }));
    expect(places).toHaveLength(3);
    for (const place of places) {
      expect(place).toEqual({
        topic: 'test.billing.public.cashiers.v1',
        partition_key: `${TENANT}|${CASHIER}`,
        stream: `test.billing.public.cashiers.v1|${TENANT}|${CASHIER}`,
        slot: places[0]?.slot,
      });
    }
  });

  it('INV-02: a create tells others on the public topic, and billing on the internal one', () => {
    const { outbox_events: rows } = rowsAfter({ name: 'invoiceCreated' }, draft);
    expect(rows.map(({ topic, partition_key }) => ({ topic, partition_key }))).toEqual([
      { topic: 'test.billing.public.invoices.v1', partition_key: `${TENANT}|${INVOICE}` },
      { topic: 'test.billing.internal.invoices.v1', partition_key: `${TENANT}|${INVOICE}` },
    ]);
    expect(rows[0]?.id).not.toBe(rows[1]?.id);
  });
});

describe('a table of reactions', () => {
  const failing: Reaction<DomainEvent> = {
    react: () => {
      throw new Error('This reaction cannot be carried out.');
    },
  };

  // Otherwise a step could be committed of which its cashier, or its subscribers, never hear.
  it.each(all)('INV-43, MSG-01: one reaction to $event.name that throws fails the whole step', ({ event, state }) => {
    for (const mine of [
      [...reactionsTo(reactions, event), failing],
      [failing, ...reactionsTo(reactions, event)],
    ]) {
      const broken = { ...reactions, [event.name]: mine } as Reactions;
      expect(() => rowsAfter(event, state, broken)).toThrow('This reaction cannot be carried out.');
    }
  });

  it('a reaction sees the rows of those before it, and none of those behind', () => {
    const seen: number[] = [];
    const looking: Reaction<DomainEvent> = {
      react: (_occurrence, soFar) => {
        seen.push(soFar.audit_entries.length);
        return {};
      },
    };
    const watched = { ...reactions, invoiceUpdated: [looking, ...reactions.invoiceUpdated, looking] };
    rowsAfter({ name: 'invoiceUpdated' }, draft, watched);
    expect(seen).toEqual([0, 1]);
  });

  it('an event without reactions leaves no rows', () => {
    const silent: Reactions = { ...reactions, currencyDropped: [] };
    expect(rowsAfter({ name: 'currencyDropped', currency: 'JPY' }, cashier, silent)).toEqual({
      payments: [],
      cashier_payments: [],
      audit_entries: [],
      outbox_events: [],
    });
  });

  // A number that is missing is a bug of ours: better no commit than an event that says "null".
  it('INV-21, MSG-05: finalized without its number is no event', () => {
    expect(() => rowsAfter({ name: 'invoiceFinalized' }, { ...finalized, number: null })).toThrow('number');
  });

  it('MSG-02: without a sequence there is no event', () => {
    const nextSequence = (stream: string): bigint => {
      throw new TypeError(`No sequence was taken for stream ${stream}.`);
    };
    const occurrence = { ...occurrenceOf({ name: 'invoiceUpdated' }, draft), nextSequence };
    expect(() => rowsOf(reactions, occurrence)).toThrow('test.billing.public.invoices.v1');
  });
});
