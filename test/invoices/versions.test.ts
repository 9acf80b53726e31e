/** The versions of an invoice's events: the earlier is made of the later, and a topic that opens later is filled. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../invoices/events.ts';
import { type Command, decide } from '../../invoices/invoice.ts';
import { type Action, type ActionBodies, type Invoice, actions } from '../../invoices/lifecycle.ts';
import { changeBetween, toInvoice2, toVersion1, toVersion2 } from '../../invoices/versions.ts';
import { toWire } from '../../invoices/wire.ts';
import type { AnyCommandDefinition, Occurrence } from '../../commands/command.ts';
import { schemaOf } from '../../values/schema.ts';
import { INVOICE, NOW, TENANT, invoices, samples } from '../support/step-samples.ts';

const commands = fc.oneof(
  ...actions.map((step) =>
    (samples[step].anyBody as fc.Arbitrary<ActionBodies[Action]>).map((body): Command => ({
      step,
      tenantId: TENANT,
      invoiceId: INVOICE,
      acceptedAt: NOW,
      expectedVersion: null,
      body,
    })),
  ),
);

/** What a life tells, event by event, as the transaction would publish it. */
function toldOf(sequence: readonly Command[]) {
  let before: Invoice | null = null;
  return sequence.flatMap((command) => {
    const decision = decide(before, command, { paymentWithReference: null, cashier: { accepts: () => true } });
    if (decision.kind !== 'accepted') return [];
    const number = command.step === 'finalize' ? 'INV-2030-000001' : decision.state.number;
    const state: Invoice = { ...decision.state, number };
    const [event] = eventsOf(command.step) as unknown as AnyCommandDefinition['events'];
    const data = event?.data({ before, state, command, newId: () => INVOICE } as unknown as Occurrence);
    before = state;
    return event ? [{ event, data, state }] : [];
  });
}

describe('MSG-09: both versions of an event', () => {
  it('the earlier one is what it was, and from it the later one is told again, value for value', () => {
    let events = 0;
    fc.assert(
      fc.property(fc.array(commands, { minLength: 4, maxLength: 15, size: 'max' }), (sequence) => {
        let before: unknown = null;
        for (const { event, data, state } of toldOf(sequence)) {
          const [earlier] = event.earlier ?? [];
          const { invoice: _invoice, change: _change, ...more } = data as { invoice: unknown; change: unknown };
          const told = earlier?.of(data);
          expect(told).toEqual({ ...more, invoice: toWire(state, NOW) });
          expect(schemaOf(earlier!.definition.schema!).parse(told)).toEqual(told);
          expect(schemaOf(event.definition.schema!).parse(data)).toEqual(data);
          expect(earlier?.later(told, before)).toEqual(data);
          before = told;
          events += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(events).toBeGreaterThan(200);
  });
});

const [draft, finalized, paid, cancelled] = (['draft', 'finalized', 'paid', 'cancelled'] as const).map((status) =>
  toWire(invoices[status], NOW),
) as [ReturnType<typeof toWire>, ...ReturnType<typeof toWire>[]] & {
  1: typeof draft;
  2: typeof draft;
  3: typeof draft;
};

describe('what version 2 tells more', () => {
  it.each([
    ['a draft', draft, draft.amount, 'unpaid'],
    ['an invoice', finalized, finalized.amount, 'unpaid'],
    ['a paid one', paid, '0.00', 'paid'],
    ['a cancelled one', cancelled, '0.00', 'unpaid'],
    ['a part that is paid', { ...finalized, amount: '10.00', amountPaid: '2.50' }, '7.50', 'partially_paid'],
    ['no decimals', { ...finalized, currency: 'JPY', amount: '1200', amountPaid: '1' }, '1199', 'partially_paid'],
    [
      'three decimals',
      { ...finalized, currency: 'KWD', amount: '1.000', amountPaid: '0.001' },
      '0.999',
      'partially_paid',
    ],
  ] as const)('%s', (_what, invoice, amountOpen, paymentStatus) => {
    expect(toInvoice2(invoice)).toMatchObject({ amountOpen, paymentStatus });
  });

  it('a change has the members that the step changed, and no others', () => {
    const change = changeBetween(
      toInvoice2(draft),
      toInvoice2({ ...draft, status: 'finalized', number: 'INV-1', overdue: true }),
    );
    expect(change).toEqual({
      status: { old: 'draft', new: 'finalized' },
      number: { old: null, new: 'INV-1' },
    });
  });

  it('of a draft that is new, everything that it has', () => {
    const { change } = toVersion2({ invoice: { ...draft, version: 1 } }, null);
    expect(change).toMatchObject({
      name: { old: null, new: draft.name },
      amountOpen: { old: null, new: draft.amount },
    });
    expect(change?.paidAt).toBeUndefined();
  });

  it('null when the event before it is not known any more', () => {
    const data = toVersion2({ invoice: { ...paid, version: 3 } }, null);
    expect(data.change).toBeNull();
    expect(toVersion1(data)).toEqual({ invoice: { ...paid, version: 3 } });
  });
});
