import { describe, expect, it } from 'vitest';
import type { Invoice, Payment } from '../../domain/invoice.ts';
import { toWire } from '../../domain/invoice-wire.ts';
import { type Step, steps } from '../../domain/lifecycle.ts';
import { type EventName, catalog } from '../../events/catalog.ts';
import { type AcceptedStep, invoiceFacts } from '../../events/invoice-facts.ts';
import { SLOTS, outboxRows, slotOf } from '../../events/outbox.ts';

const NOW = '2030-01-31T12:00:00.000Z';
const invoice: Invoice = {
  tenantId: '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01',
  id: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d',
  name: 'Hosting, January',
  customerReference: null,
  status: 'finalized',
  amountMinor: 1200,
  currency: 'KWD',
  dueDate: '2030-01-30',
  cashierId: null,
  number: 'INV-2030-000001',
  amountPaidMinor: 0,
  paidAt: null,
  finalizedAt: NOW,
  cancelledAt: null,
  cancelReason: null,
  version: 2,
  createdAt: NOW,
  updatedAt: NOW,
};
const payment: Payment = {
  invoiceId: invoice.id,
  amountMinor: 1200,
  currency: 'KWD',
  method: 'wire',
  reference: 'PAY-1',
  receivedAt: NOW,
};
const step: AcceptedStep = { invoice, payment, reason: 'Ordered twice', acceptedAt: NOW };
const { tenantId } = invoice;
const wire = toWire(invoice, NOW);

describe('facts', () => {
  const table: Record<Step, [EventName, unknown][]> = {
    create: [
      ['InvoiceCreated', { tenantId, invoice: wire }],
      ['InvoiceGenerated', { tenantId, invoiceId: invoice.id, invoiceAmount: '1.200' }],
    ],
    update: [['InvoiceUpdated', { tenantId, invoice: wire }]],
    finalize: [['InvoiceFinalized', { tenantId, invoice: wire, number: 'INV-2030-000001', finalTotalAmount: '1.200' }]],
    pay: [
      [
        'InvoicePaid',
        {
          tenantId,
          invoice: wire,
          payment: { amount: '1.200', currency: 'KWD', method: 'wire', reference: 'PAY-1', receivedAt: NOW },
        },
      ],
    ],
    cancel: [['InvoiceCancelled', { tenantId, invoice: wire, reason: 'Ordered twice' }]],
  };

  it.each(steps)('INV-02, INV-21, INV-30, INV-42, MSG-05: %s tells exactly these, valid by their schemas', (name) => {
    const told = invoiceFacts[name].map((fact) => [fact.name, fact.data(step)]);
    expect(told).toEqual(table[name]);
    for (const fact of invoiceFacts[name])
      expect(catalog[fact.name].schema.safeParse(fact.data(step)).error).toBeUndefined();
  });

  it('INV-30: a cancellation without reason says null', () => {
    const [fact] = invoiceFacts.cancel;
    expect(fact?.data({ ...step, reason: null })).toMatchObject({ reason: null });
  });

  // A number or payment that is missing is a bug of ours: better no commit than an event that says "null".
  it.each([
    { name: 'finalize', broken: { ...step, invoice: { ...invoice, number: null } }, lacks: 'number' },
    { name: 'pay', broken: { ...step, payment: null }, lacks: 'payment' },
  ] as const)('MSG-05: $name without its $lacks is no fact', ({ name, broken, lacks }) => {
    expect(() => invoiceFacts[name][0]?.data(broken)).toThrow(lacks);
  });
});

describe('outbox rows', () => {
  const ids = { tenantId, invoiceId: invoice.id };
  const key = `${tenantId}|${invoice.id}`;
  const publicStream = `test.billing.public.invoices.v1|${key}`;
  const internalStream = `test.billing.internal.invoices.v1|${key}`;
  const context = { time: NOW, causationId: 'rest:5f2c' };
  const settings = { environment: 'test', publicUrl: 'https://billing.example' };
  const rowsOfCreate = (sequences: ReadonlyMap<string, bigint>) =>
    outboxRows(invoiceFacts.create, ids, step, sequences, context, settings);

  it('MSG-02: each event has its own stream’s sequence, in the row and on the wire', () => {
    const rows = rowsOfCreate(
      new Map([
        [publicStream, 7n],
        [internalStream, 3n],
      ]),
    );
    expect(rows).toMatchObject([
      { type: 'billing.invoice.created.v1', stream: publicStream, sequence: '7', partition_key: key },
      { type: 'billing.invoice.generated.v1', stream: internalStream, sequence: '3', partition_key: key },
    ]);
    for (const { id, headers, sequence } of rows)
      expect(JSON.parse(headers)).toMatchObject({ ce_id: id, ce_sequence: sequence, ce_causationid: 'rest:5f2c' });
    expect(rows[0]?.id).not.toBe(rows[1]?.id);
  });

  it('MSG-02: without a sequence that was taken there is no row', () => {
    expect(() => rowsOfCreate(new Map([[publicStream, 7n]]))).toThrow(internalStream);
  });

  // Relays share the slots; a key that changed its slot would let two relays send one stream.
  it('MSG-02: a partition key always has the same slot, and the slots are spread', () => {
    const slots = Array.from({ length: 5000 }, (_, n) => slotOf(`${tenantId}|${n}`));
    expect(slots).toEqual(Array.from({ length: 5000 }, (_, n) => slotOf(`${tenantId}|${n}`)));
    expect(slots.every((slot) => Number.isInteger(slot) && slot >= 0 && slot < SLOTS)).toBe(true);
    expect(new Set(slots).size).toBeGreaterThan(SLOTS * 0.9);
    expect(slotOf('a stream of yesterday')).toBe(654);
  });
});
