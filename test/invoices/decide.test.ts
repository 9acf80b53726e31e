import { CASHIER, CREATED, INVOICE, NOW, TENANT, invoices, leads, samples } from '../support/step-samples.ts';
import type { ActionBodies, Invoice } from '../../invoices/lifecycle.ts';
import type { Lookups, Payment } from '../../invoices/step.ts';
import { formatInvoiceNumber } from '../../invoices/number.ts';
import { isOverdue } from '../../invoices/due.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AcceptedCurrency, acceptsCurrency } from '../../cashiers/currencies.ts';
import type { InvoiceRefusalCode } from '../../invoices/refusals.ts';
import { type Command, type InvoiceDecision, decide, openAmountMinor } from '../../invoices/invoice.ts';
import {
  type Action,
  type Step,
  actions,
  allowedActions,
  isFinal,
  isTimedStep,
  pastTenseOf,
  statuses,
  stepNames,
  steps,
} from '../../invoices/lifecycle.ts';

const ID = INVOICE;
const OTHER_ID = '5d2c9b1a-3f64-5c0e-8f7a-2b1e6d4c3a90';

const { draft, finalized } = invoices;

const bodyOf = <S extends Action>(step: S): ActionBodies[S] =>
  (samples as { [A in Action]: { body: ActionBodies[A] } })[step].body;

const command = <S extends Action>(
  step: S,
  body: Partial<ActionBodies[S]> = {},
  more: Partial<Pick<Command, 'expectedVersion' | 'acceptedAt'>> = {},
): Command<S> => ({
  step,
  tenantId: TENANT,
  invoiceId: ID,
  acceptedAt: NOW,
  expectedVersion: null,
  body: { ...bodyOf(step), ...body },
  ...more,
});

function acceptedBy(decision: InvoiceDecision) {
  if (decision.kind !== 'accepted') throw new Error(`Expected an acceptance, came ${JSON.stringify(decision)}`);
  return decision;
}

function refusalBy(decision: InvoiceDecision) {
  if (decision.kind !== 'refused') throw new Error(`Expected a refusal, came ${JSON.stringify(decision)}`);
  return decision.refusal;
}

describe('lifecycle', () => {
  const pairs = statuses.flatMap((status) =>
    stepNames.filter((step) => step !== 'create').map((step) => ({ status, step, to: leads[status][step] })),
  );

  it.each(pairs.filter(({ to }) => to !== undefined))('$status + $step = $to', ({ status, step, to }) => {
    const { state } = acceptedBy(decide(invoices[status], command(step)));
    expect(state).toMatchObject({ status: to, version: invoices[status].version + 1, updatedAt: NOW });
    expect(state).toMatchObject({ tenantId: TENANT, id: ID, createdAt: CREATED });
  });

  it.each(pairs.filter(({ to }) => to === undefined))('$status + $step is refused', ({ status, step }) => {
    expect(refusalBy(decide(invoices[status], command(step)))).toMatchObject({
      code: 'transition_not_allowed',
      members: { invoiceStatus: status, allowedActions: Object.keys(leads[status]) },
    });
  });

  it.each(statuses)('%s is final exactly when nothing leaves it', (status) => {
    expect(isFinal(status)).toBe(Object.keys(leads[status]).length === 0);
  });

  it.each([
    { action: 'create', words: 'created' },
    { action: 'cancel', words: 'cancelled' },
    { action: 'overdue', words: 'became overdue' },
    { action: 'remind', words: 'reminded of the payment' },
  ] as const)('INV-12: a history says "$words" of $action', ({ action, words }) => {
    expect(pastTenseOf(action)).toBe(words);
  });

  // The id is made of the key: the invoice under it belongs to another create with the same key.
  it.each(statuses)('INV-03: create over an invoice that is %s says that the key is taken', (status) => {
    expect(refusalBy(decide(invoices[status], command('create'))).code).toBe('idempotency_key_reused');
  });
});

describe('create', () => {
  it('INV-01: a draft of version 1, both dates now, nothing paid, no number', () => {
    const body = { customerReference: 'C-1', dueDate: '2030-03-01' };
    expect(acceptedBy(decide(null, command('create', body)))).toEqual({
      kind: 'accepted',
      reason: null,
      state: {
        tenantId: TENANT,
        id: ID,
        name: 'Hosting, January',
        customerReference: 'C-1',
        status: 'draft',
        amountMinor: 120_000,
        currency: 'EUR',
        dueDate: '2030-03-01',
        cashierId: null,
        number: null,
        amountPaidMinor: 0,
        paidAt: null,
        finalizedAt: null,
        cancelledAt: null,
        cancelReason: null,
        version: 1,
        createdAt: NOW,
        updatedAt: NOW,
        overdueAt: null,
        overdueToldAt: null,
        remindersSent: 0,
      },
    });
  });

  it('INV-04: due today is allowed until the day is over', () => {
    const until = { acceptedAt: '2030-01-31T23:59:59.999Z' };
    expect(decide(null, command('create', { dueDate: '2030-01-31' }, until)).kind).toBe('accepted');
  });

  it.each([
    { dueDate: '2030-01-30', acceptedAt: '2030-01-31T00:00:00.000Z' },
    { dueDate: '2029-12-31', acceptedAt: '2030-01-01T00:00:00.000Z' },
  ])('INV-04: due on $dueDate is refused at $acceptedAt', ({ dueDate, acceptedAt }) => {
    expect(refusalBy(decide(null, command('create', { dueDate }, { acceptedAt })))).toMatchObject({
      code: 'validation_failed',
      members: { errors: [{ path: 'dueDate', code: 'in_the_past' }] },
    });
  });
});

describe('update', () => {
  it.each([
    { name: 'Backup' },
    { amountMinor: 500, currency: 'JPY' },
    { dueDate: '2030-01-31' },
    { dueDate: null },
    { customerReference: null },
    { customerReference: 'C-2', name: 'Backup' },
  ])('INV-20: changes what is given and nothing else: %j', (body) => {
    const { step, ...rest } = command('update');
    const { state, reason } = acceptedBy(decide(draft, { step, ...rest, body }));
    expect(state).toEqual({ ...draft, ...body, version: 2, updatedAt: NOW });
    expect(reason).toBeNull();
  });

  it.each([
    { sent: { amount: '1300.00' }, after: { amountMinor: 130_000 } },
    { sent: { amount: '1300' }, after: { amountMinor: 130_000 } },
    { sent: { amountMinor: 130_000 }, after: { amountMinor: 130_000 } },
    { sent: { currency: 'USD' }, after: { currency: 'USD' } },
    { sent: { currency: 'KWD' }, after: { currency: 'KWD', amountMinor: 1_200_000 } },
    { sent: { amount: '1300.000', currency: 'KWD' }, after: { currency: 'KWD', amountMinor: 1_300_000 } },
  ])('INV-20: $sent of a draft over 1200.00 EUR means $after', ({ sent: body, after }) => {
    const { step, ...rest } = command('update');
    const { state } = acceptedBy(decide(draft, { step, ...rest, body }));
    expect(state).toEqual({ ...draft, ...after, version: 2, updatedAt: NOW });
  });

  it('INV-20: an amount alone has the decimals of the invoice’s currency', () => {
    const inYen = { ...draft, amountMinor: 1200, currency: 'JPY' };
    expect(acceptedBy(decide(inYen, command('update', { amount: '1300' }))).state.amountMinor).toBe(1300);
    expect(acceptedBy(decide(inYen, command('update', { currency: 'EUR' }))).state.amountMinor).toBe(120_000);
  });

  // Nothing is rounded, and nothing that has decimals loses them without somebody saying so.
  it.each([
    { before: 'EUR', amountMinor: 120_000, body: { currency: 'JPY' }, code: 'too_many_decimals' },
    { before: 'KWD', amountMinor: 1_200_000, body: { currency: 'EUR' }, code: 'too_many_decimals' },
    { before: 'EUR', amountMinor: 99_999_999_999_999, body: { currency: 'KWD' }, code: 'out_of_range' },
    { before: 'JPY', amountMinor: 1200, body: { amount: '1300.00' }, code: 'too_many_decimals' },
    { before: 'EUR', amountMinor: 120_000, body: { amount: '1.001' }, code: 'too_many_decimals' },
    { before: 'EUR', amountMinor: 120_000, body: { amount: '1000000000000' }, code: 'out_of_range' },
    { before: 'EUR', amountMinor: 120_000, body: { amount: '1e3' }, code: 'not_a_decimal' },
  ])(
    'INV-20: $body of a draft over $amountMinor minor $before is refused: $code',
    ({ before, amountMinor, body, code }) => {
      expect(refusalBy(decide({ ...draft, currency: before, amountMinor }, command('update', body)))).toMatchObject({
        code: 'validation_failed',
        members: { errors: [{ path: 'amount', code }] },
      });
    },
  );

  it('INV-20, INV-05: what only the invoice can tell is told at once, beside what only the day can', () => {
    const body = { amount: '1.001', dueDate: '2030-01-30' };
    expect(refusalBy(decide(draft, command('update', body))).members).toMatchObject({
      errors: [
        { path: 'dueDate', code: 'in_the_past' },
        { path: 'amount', code: 'too_many_decimals' },
      ],
    });
    expect(
      refusalBy(decide(draft, command('update', { currency: 'ZZZ', dueDate: '2030-01-30' }))).members,
    ).toMatchObject({
      errors: [{ path: 'dueDate' }, { path: 'currency', code: 'unknown_currency' }],
    });
  });

  it('INV-20: a due date in the past is refused, as in create', () => {
    expect(refusalBy(decide(draft, command('update', { dueDate: '2030-01-30' })))).toMatchObject({
      code: 'validation_failed',
      members: { errors: [{ path: 'dueDate', code: 'in_the_past' }] },
    });
  });

  // Only members present are checked: otherwise a draft that has lain long could not even be renamed.
  it('INV-20: a due date that passed in the meantime does not stop another change', () => {
    const old = { ...draft, dueDate: '2030-01-05' };
    expect(acceptedBy(decide(old, command('update'))).state.dueDate).toBe('2030-01-05');
  });
});

describe('finalize', () => {
  it('INV-21: keeps the amount; the number is drawn by the transaction, so that a refusal leaves no gap', () => {
    const { state, reason } = acceptedBy(decide(draft, command('finalize')));
    expect(state).toEqual({
      ...draft,
      status: 'finalized',
      finalizedAt: NOW,
      overdueAt: '2030-03-01T00:00:00.000Z',
      version: 2,
      updatedAt: NOW,
    });
    expect(state.number).toBeNull();
    expect(reason).toBeNull();
  });

  it.each([
    { year: 2030, n: 1, text: 'INV-2030-000001' },
    { year: 2030, n: 42, text: 'INV-2030-000042' },
    { year: 2031, n: 999_999, text: 'INV-2031-999999' },
    { year: 2031, n: 1_000_000, text: 'INV-2031-1000000' },
  ])('INV-21: number $n of $year is $text', ({ year, n, text }) => {
    expect(formatInvoiceNumber(year, n)).toBe(text);
  });

  it.each([
    { acceptedAt: '2030-01-31T12:00:00.000Z', due: '2030-03-02' },
    { acceptedAt: '2028-01-31T12:00:00.000Z', due: '2028-03-01' }, // a leap year
    { acceptedAt: '2030-12-31T23:59:59.999Z', due: '2031-01-30' },
    { acceptedAt: '2031-01-01T00:00:00.000Z', due: '2031-01-31' },
    { acceptedAt: '2030-03-15T12:00:00.000Z', due: '2030-04-14' }, // over the change to summer time
  ])('INV-22: without due date, finalized at $acceptedAt, it is due on $due', ({ acceptedAt, due }) => {
    const { state } = acceptedBy(decide({ ...draft, dueDate: null }, command('finalize', {}, { acceptedAt })));
    expect(state.dueDate).toBe(due);
  });

  it('INV-22: a due date that is there stays', () => {
    expect(acceptedBy(decide(draft, command('finalize'))).state.dueDate).toBe('2030-02-28');
  });

  it.each([
    { dueDate: '2030-02-28', overdueAt: '2030-03-01T00:00:00.000Z' },
    { dueDate: '2032-02-28', overdueAt: '2032-02-29T00:00:00.000Z' }, // a leap year
    { dueDate: '2032-02-29', overdueAt: '2032-03-01T00:00:00.000Z' },
    { dueDate: '2030-12-31', overdueAt: '2031-01-01T00:00:00.000Z' },
    { dueDate: '2030-01-31', overdueAt: '2030-02-01T00:00:00.000Z' }, // finalized on the day it is due
    { dueDate: '2030-01-05', overdueAt: '2030-01-06T00:00:00.000Z' }, // finalized when it was over
    { dueDate: null, overdueAt: '2030-03-03T00:00:00.000Z' },
  ])('TIM-01: due on $dueDate, overdue begins at $overdueAt', ({ dueDate, overdueAt }) => {
    expect(acceptedBy(decide({ ...draft, dueDate }, command('finalize'))).state.overdueAt).toBe(overdueAt);
  });

  it.each([
    { overdueAfterMs: 1500, overdueAt: '2030-01-31T12:00:01.500Z' },
    { overdueAfterMs: 0, overdueAt: NOW },
  ])('TIM-01: for tests, overdue begins $overdueAfterMs ms after finalizing', ({ overdueAfterMs, overdueAt }) => {
    const { state } = acceptedBy(decide(draft, command('finalize'), { overdueAfterMs }));
    expect(state).toMatchObject({ overdueAt, dueDate: '2030-02-28' });
  });
});

describe('cancel', () => {
  it.each([draft, finalized])('INV-30: the reason of a cancelled $status is kept', (before) => {
    const decision = acceptedBy(decide(before, command('cancel')));
    expect(decision.reason).toBe('Ordered twice');
    expect(decision.state).toEqual({
      ...before,
      status: 'cancelled',
      cancelledAt: NOW,
      cancelReason: 'Ordered twice',
      version: before.version + 1,
      updatedAt: NOW,
    });
  });

  it('INV-30: the reason is optional', () => {
    const decision = acceptedBy(decide(finalized, command('cancel', { reason: null })));
    expect(decision.reason).toBeNull();
    expect(decision.state.cancelReason).toBeNull();
  });

  it('nothing of a cancelled invoice is open', () => {
    expect(openAmountMinor(finalized)).toBe(120_000);
    expect(openAmountMinor(invoices.paid)).toBe(0);
    expect(openAmountMinor(invoices.cancelled)).toBe(0);
  });
});

describe('cashier', () => {
  const withCashier = { ...draft, cashierId: CASHIER };
  const accepting = (...currencies: AcceptedCurrency[]): Lookups => ({
    cashier: { accepts: (currency, day) => acceptsCurrency(currencies, currency, day) },
  });
  const from = (effectiveFrom: string, currency = 'EUR') => ({ currency, effectiveFrom });

  const table: { who: string; facts: Lookups; outcome: 'accepted' | InvoiceRefusalCode }[] = [
    { who: 'does not exist', facts: { cashier: null }, outcome: 'unknown_cashier' },
    { who: 'lists no currency', facts: accepting(), outcome: 'accepted' },
    { who: 'accepts it from today', facts: accepting(from('2030-01-31')), outcome: 'accepted' },
    {
      who: 'accepts it and others',
      facts: accepting(from('2020-01-01', 'JPY'), from('2020-01-01')),
      outcome: 'accepted',
    },
    { who: 'accepts it from tomorrow', facts: accepting(from('2030-02-01')), outcome: 'currency_not_accepted' },
    { who: 'accepts others only', facts: accepting(from('2020-01-01', 'JPY')), outcome: 'currency_not_accepted' },
  ];
  const outcomeOf = (decision: InvoiceDecision) =>
    decision.kind === 'refused' ? decision.refusal.code : decision.kind;

  it.each(table)('INV-04, CSH-04: create for a cashier who $who: $outcome', ({ facts, outcome }) => {
    expect(outcomeOf(decide(null, command('create', { cashierId: CASHIER }), facts))).toBe(outcome);
  });

  it.each(table)('INV-20, CSH-04: update to a cashier who $who: $outcome', ({ facts, outcome }) => {
    expect(outcomeOf(decide(draft, command('update', { cashierId: CASHIER }), facts))).toBe(outcome);
  });

  // Otherwise a draft could get past the check with a currency that is accepted, and then take another.
  it.each(table)('INV-20, CSH-04: update to a currency of a cashier who $who: $outcome', ({ facts, outcome }) => {
    const inDollars = { ...withCashier, currency: 'USD' };
    expect(outcomeOf(decide(inDollars, command('update', { amountMinor: 500, currency: 'EUR' }), facts))).toBe(outcome);
  });

  it('INV-20: a cashier may be given, exchanged and taken away', () => {
    const { state } = acceptedBy(decide(draft, command('update', { cashierId: CASHIER }), accepting()));
    expect(state).toEqual({ ...draft, ...samples.update.body, cashierId: CASHIER, version: 2, updatedAt: NOW });
    const other = acceptedBy(decide(state, command('update', { cashierId: OTHER_ID }), accepting()));
    expect(other.state.cashierId).toBe(OTHER_ID);
    expect(acceptedBy(decide(other.state, command('update', { cashierId: null }))).state.cashierId).toBeNull();
  });

  it.each([
    { acceptedAt: '2030-01-31T23:59:59.999Z', kind: 'refused' },
    { acceptedAt: '2030-02-01T00:00:00.000Z', kind: 'accepted' },
  ])('CSH-04: accepted from 2030-02-01 means $kind at $acceptedAt', ({ acceptedAt, kind }) => {
    const facts = accepting(from('2030-02-01'));
    expect(decide(null, command('create', { cashierId: CASHIER }, { acceptedAt }), facts).kind).toBe(kind);
  });

  // Only members present are checked: a currency that was accepted stays so.
  it('INV-20: an update of something else does not ask the cashier', () => {
    expect(acceptedBy(decide(withCashier, command('update'), {})).state.cashierId).toBe(CASHIER);
  });

  it.each(table)('INV-20, CSH-04: update to a currency alone of a cashier who $who: $outcome', ({ facts, outcome }) => {
    const inDollars = { ...withCashier, currency: 'USD' };
    expect(outcomeOf(decide(inDollars, command('update', { currency: 'EUR' }), facts))).toBe(outcome);
  });

  it('INV-20: an amount alone does not ask the cashier', () => {
    const { state } = acceptedBy(decide(withCashier, command('update', { amount: '1300.00' }), { cashier: null }));
    expect(state).toMatchObject({ amountMinor: 130_000, cashierId: CASHIER });
  });

  it('INV-20: without a cashier any currency will do, whatever the one before accepted', () => {
    const body = { cashierId: null, amountMinor: 500, currency: 'JPY' };
    const { state } = acceptedBy(decide(withCashier, command('update', body), accepting(from('2020-01-01'))));
    expect(state).toMatchObject(body);
  });

  it('INV-04: the refusal names the cashier, or the currency and the day', () => {
    const create = command('create', { cashierId: CASHIER });
    expect(refusalBy(decide(null, create, { cashier: null })).detail).toContain(CASHIER);
    expect(refusalBy(decide(null, create, accepting(from('2030-02-01')))).detail).toMatch(/EUR on 2030-01-31/);
  });

  // A cashier who stops to accept a currency, or moves on, must not keep the money of what is open from coming in.
  it.each([
    { step: 'finalize', state: withCashier },
    { step: 'pay', state: { ...finalized, cashierId: CASHIER } },
    { step: 'cancel', state: { ...finalized, cashierId: CASHIER } },
  ] as const)('INV-04: $step does not ask the cashier again', ({ step, state }) => {
    expect(acceptedBy(decide(state, command(step), { cashier: null })).state.cashierId).toBe(CASHIER);
  });
});

describe('If-Match', () => {
  const stepsOnInvoices: { step: Step; state: Invoice }[] = [
    { step: 'update', state: draft },
    { step: 'finalize', state: draft },
    { step: 'pay', state: finalized },
    { step: 'cancel', state: finalized },
  ];

  it.each(stepsOnInvoices)('INV-31: $step of another version is refused with the current one', ({ step, state }) => {
    for (const expectedVersion of [state.version - 1, state.version + 1]) {
      expect(refusalBy(decide(state, command(step, {}, { expectedVersion })))).toMatchObject({
        code: 'version_conflict',
        members: { currentVersion: state.version },
      });
    }
  });

  it.each(stepsOnInvoices)('INV-31: $step of the current version, or of any, is accepted', ({ step, state }) => {
    for (const expectedVersion of [state.version, null]) {
      expect(acceptedBy(decide(state, command(step, {}, { expectedVersion }))).state.version).toBe(state.version + 1);
    }
  });
});

/** The payment that is recorded of a paid invoice. */
function paymentRow(state: Invoice, { body, acceptedAt }: Command<'pay'>): unknown {
  const head = { tenantId: TENANT, key: 'k', fingerprint: 'f', attemptId: 'a', actor: 'ada', expectedVersion: null };
  const of = { ...head, invoiceId: ID, body, acceptedAt };
  return steps.pay.rows?.({ before: null, state, command: of, newId: () => OTHER_ID })['payments']?.[0];
}

describe('pay', () => {
  it('INV-42: amountPaid and paidAt are set, and the payment is told', () => {
    const receivedAt = '2030-01-30T10:00:00.000Z';
    const sent = command('pay', { receivedAt });
    const decision = acceptedBy(decide(finalized, sent));
    expect(decision.state).toEqual({
      ...finalized,
      status: 'paid',
      amountPaidMinor: 120_000,
      paidAt: receivedAt,
      version: 3,
      updatedAt: NOW,
    });
    expect(paymentRow(decision.state, sent)).toMatchObject({
      invoice_id: ID,
      amount_minor: 120_000,
      currency: 'EUR',
      method: 'bank transfer',
      reference: 'PAY-1',
      received_at: receivedAt,
    });
  });

  it('INV-42: without receivedAt the money arrived when the command was accepted', () => {
    const decision = acceptedBy(decide(finalized, command('pay')));
    expect(decision.state.paidAt).toBe(NOW);
    expect(paymentRow(decision.state, command('pay'))).toMatchObject({ received_at: NOW });
  });

  it.each([
    { what: 'one minor unit less', body: { amountMinor: 119_999 }, code: 'payment_below_amount' },
    { what: 'one minor unit more', body: { amountMinor: 120_001 }, code: 'payment_above_amount' },
    { what: 'another currency', body: { currency: 'USD' }, code: 'currency_mismatch' },
    // Below and above mean nothing between two currencies.
    {
      what: 'another currency and another amount',
      body: { currency: 'JPY', amountMinor: 1 },
      code: 'currency_mismatch',
    },
  ])('INV-40: $what is refused as $code', ({ body, code }) => {
    expect(refusalBy(decide(finalized, command('pay', body))).code).toBe(code);
  });

  it('INV-40: the refusal of a wrong amount names what is open', () => {
    const { detail } = refusalBy(decide(finalized, command('pay', { amountMinor: 1 })));
    expect(detail).toContain('1200.00 EUR');
  });

  it.each(['2030-01-31T12:05:00.000Z', NOW, '2020-01-31T00:00:00.000Z'])(
    'INV-40: received at %s, accepted at noon: allowed',
    (receivedAt) => {
      expect(acceptedBy(decide(finalized, command('pay', { receivedAt }))).state.paidAt).toBe(receivedAt);
    },
  );

  it.each(['2020-01-30T23:59:59.999Z', '0001-01-01T00:00:00.000Z'])(
    'INV-40: received at %s, more than ten years ago, is refused',
    (receivedAt) => {
      expect(refusalBy(decide(finalized, command('pay', { receivedAt })))).toMatchObject({
        code: 'validation_failed',
        members: { errors: [{ path: 'receivedAt', code: 'too_long_ago' }] },
      });
    },
  );

  it('INV-40: received more than five minutes in the future is refused', () => {
    const receivedAt = '2030-01-31T12:05:00.001Z';
    expect(refusalBy(decide(finalized, command('pay', { receivedAt })))).toMatchObject({
      code: 'validation_failed',
      members: { errors: [{ path: 'receivedAt', code: 'in_the_future' }] },
    });
  });
});

describe('payment references', () => {
  const known: Payment = {
    invoiceId: ID,
    amountMinor: 120_000,
    currency: 'EUR',
    method: 'bank transfer',
    reference: 'PAY-1',
    receivedAt: CREATED,
  };
  const knowing = (payment: Payment | null): Lookups => ({ paymentWithReference: payment });

  it('INV-41: the same payment again is answered with the invoice as it is, and changes nothing', () => {
    expect(decide(invoices.paid, command('pay'), knowing(known))).toEqual({ kind: 'replayed', state: invoices.paid });
  });

  // A gateway that repeats itself may word the method or the time differently: it is the same money all the same.
  it('INV-41: method and time do not make another payment', () => {
    const again = command('pay', { method: 'wire', receivedAt: '2030-01-02T00:00:00.000Z' });
    expect(decide(invoices.paid, again, knowing(known)).kind).toBe('replayed');
  });

  it.each([
    { what: 'another invoice', payment: { ...known, invoiceId: OTHER_ID } },
    { what: 'another amount', payment: { ...known, amountMinor: 119_999 } },
    { what: 'another currency', payment: { ...known, currency: 'USD' } },
  ])('INV-41: a reference of $what is refused, even where the step is allowed', ({ payment }) => {
    for (const state of [finalized, invoices.paid]) {
      expect(refusalBy(decide(state, command('pay'), knowing(payment))).code).toBe('payment_reference_used');
    }
  });

  it.each(['update', 'finalize', 'cancel'] as const)('INV-41: %s does not ask for references', (step) => {
    expect(decide(draft, command(step), knowing(known)).kind).toBe('accepted');
  });
});

describe('order of checks', () => {
  const stale = { expectedVersion: 99 };
  const tooLittle = { amountMinor: 1 };
  const used: Lookups = {
    paymentWithReference: {
      invoiceId: OTHER_ID,
      amountMinor: 1,
      currency: 'EUR',
      method: 'wire',
      reference: 'PAY-1',
      receivedAt: CREATED,
    },
  };
  const sameMoney: Lookups = {
    paymentWithReference: {
      invoiceId: ID,
      amountMinor: 120_000,
      currency: 'EUR',
      method: 'wire',
      reference: 'PAY-1',
      receivedAt: CREATED,
    },
  };

  // Each row has every fault of the rows below it as well.
  it.each([
    { first: 'existence', state: null, facts: used, more: stale, code: 'invoice_not_found' },
    { first: 'the reference', state: draft, facts: used, more: stale, code: 'payment_reference_used' },
    { first: 'If-Match', state: draft, facts: {}, more: stale, code: 'version_conflict' },
    { first: 'the transition', state: draft, facts: {}, more: {}, code: 'transition_not_allowed' },
    { first: 'the business rules', state: finalized, facts: {}, more: {}, code: 'payment_below_amount' },
  ])('pay: $first is checked before what follows it', ({ state, facts, more, code }) => {
    expect(refusalBy(decide(state, command('pay', tooLittle, more), facts)).code).toBe(code);
  });

  // A caller whose answer was lost repeats the request with the ETag it had then.
  it('INV-41: a repeated payment is a replay even with an old If-Match', () => {
    expect(decide(invoices.paid, command('pay', {}, { expectedVersion: 2 }), sameMoney).kind).toBe('replayed');
  });

  it.each([
    { first: 'existence', state: null, more: stale, code: 'invoice_not_found' },
    { first: 'If-Match', state: finalized, more: stale, code: 'version_conflict' },
    { first: 'the transition', state: finalized, more: {}, code: 'transition_not_allowed' },
    { first: 'the due date', state: draft, more: {}, code: 'validation_failed' },
  ])('update: $first is checked before what follows it', ({ state, more, code }) => {
    const body = { dueDate: '2020-01-01', cashierId: CASHIER };
    expect(refusalBy(decide(state, command('update', body, more))).code).toBe(code);
  });
});

describe('overdue', () => {
  it.each([
    { now: '2030-02-28T23:59:59.999Z', overdue: false },
    { now: '2030-03-01T00:00:00.000Z', overdue: true },
  ])('TIM-01: due on 2030-02-28, at $now: $overdue', ({ now, overdue }) => {
    expect(isOverdue(finalized, now)).toBe(overdue);
  });

  it.each(['draft', 'paid', 'cancelled'] as const)('TIM-01: an invoice that is %s is never overdue', (status) => {
    const invoice = { ...invoices[status], overdueAt: CREATED };
    expect(isOverdue(invoice, '2040-01-01T00:00:00.000Z')).toBe(false);
  });
});

describe('what time brings', () => {
  const LATER = '2030-03-01T00:00:01.000Z';
  const atLater = { acceptedAt: LATER };
  const told: Invoice = { ...finalized, overdueToldAt: LATER };
  const timed = ['overdue', 'remind'] as const;
  const onOthers = timed.flatMap((step) =>
    (['draft', 'paid', 'cancelled'] as const).map((status) => ({ step, status })),
  );

  it.each(onOthers)('TIM-01, TIM-02: $step of an invoice that is $status is refused', ({ step, status }) => {
    expect(refusalBy(decide(invoices[status], command(step, {}, atLater)))).toMatchObject({
      code: 'transition_not_allowed',
      members: { invoiceStatus: status, allowedActions: allowedActions(status) },
    });
  });

  it.each(timed)('TIM-03: %s of an invoice that is unknown is refused', (step) => {
    expect(refusalBy(decide(null, command(step, {}, atLater))).code).toBe('invoice_not_found');
  });

  it('TIM-01, TIM-03: overdue is noted; nothing else changes, version and updatedAt neither', () => {
    expect(acceptedBy(decide(finalized, command('overdue', {}, atLater)))).toEqual({
      kind: 'accepted',
      state: { ...finalized, overdueToldAt: LATER },
      reason: null,
    });
  });

  it('TIM-01: overdue is told once', () => {
    const again = command('overdue', {}, { acceptedAt: '2030-04-01T00:00:00.000Z' });
    expect(decide(told, again)).toEqual({ kind: 'replayed', state: told });
  });

  it.each([1, 2, 3, 4, 5])('TIM-02, TIM-03: reminder %i of 5 is noted; nothing else changes', (number) => {
    const before = { ...told, remindersSent: number - 1 };
    expect(acceptedBy(decide(before, command('remind', { number }, atLater)))).toEqual({
      kind: 'accepted',
      state: { ...before, remindersSent: number },
      reason: null,
    });
  });

  it.each([1, 2, 3])('TIM-02: after reminder 3, reminder %i is not told again', (number) => {
    const reminded = { ...finalized, remindersSent: 3 };
    expect(decide(reminded, command('remind', { number }))).toEqual({ kind: 'replayed', state: reminded });
  });

  it('TIM-04: reminders may be passed over', () => {
    const { state } = acceptedBy(decide(finalized, command('remind', { number: 4 }, atLater)));
    expect(state.remindersSent).toBe(4);
  });

  // A reminder must not make a caller's ETag stale: he has seen everything that a step depends on.
  it.each(['pay', 'cancel'] as const)('TIM-03: the ETag from before overdue and reminders lets %s through', (step) => {
    const reminded = { ...told, remindersSent: 2 };
    const { state } = acceptedBy(decide(reminded, command(step, {}, { expectedVersion: finalized.version })));
    expect(state).toMatchObject({ version: 3, overdueToldAt: LATER, remindersSent: 2 });
    expect(isOverdue(state, '2040-01-01T00:00:00.000Z')).toBe(false);
  });
});

describe('any sequence of commands', () => {
  const euroCashier: Lookups = {
    cashier: {
      accepts: (currency, day) => acceptsCurrency([{ currency: 'EUR', effectiveFrom: '2030-01-01' }], currency, day),
    },
  };
  const commands = fc.oneof(
    ...actions.map((step) => {
      const expectedVersion = isTimedStep(step) ? fc.constant(null) : fc.option(fc.nat({ max: 6 }), { freq: 1 });
      return fc
        .tuple(samples[step].anyBody as fc.Arbitrary<ActionBodies[Action]>, expectedVersion)
        .map(([body, version]): Command => command(step, body, { expectedVersion: version }));
    }),
  );

  function checkInvariants(before: Invoice | null, after: Invoice, step: Action, kind: InvoiceDecision['kind']): void {
    const { status } = after;
    const counts = kind === 'accepted' && !isTimedStep(step);
    expect(after.version).toBe((before?.version ?? 0) + (counts ? 1 : 0));
    expect(kind === 'accepted' && before !== null && isFinal(before.status)).toBe(false);
    expect(after.amountPaidMinor).toBe(status === 'paid' ? after.amountMinor : 0);
    expect(after.paidAt !== null).toBe(status === 'paid');
    expect(after.cancelledAt !== null).toBe(status === 'cancelled');
    expect((status === 'finalized' || status === 'paid') && after.dueDate === null).toBe(false);
    expect(after.overdueAt !== null).toBe(after.finalizedAt !== null);
    expect(after.finalizedAt === null && (after.overdueToldAt !== null || after.remindersSent > 0)).toBe(false);
    expect(after.cashierId !== null && after.currency !== 'EUR').toBe(false);
    const { tenantId, id, createdAt } = before ?? after;
    expect(after).toMatchObject({ tenantId, id, createdAt });
    const { overdueToldAt, remindersSent } = after;
    expect(after).toEqual({ ...(isTimedStep(step) ? before : after), overdueToldAt, remindersSent });
  }

  it('INV-04, INV-06, INV-42, TIM-03: one version a step, final is final, paid is paid in full, a cashier is asked', () => {
    const reached = new Map<string, number>();
    const note = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1);
    fc.assert(
      fc.property(fc.array(commands, { minLength: 4, maxLength: 20, size: 'max' }), (sequence) => {
        let state: Invoice | null = null;
        const payments = new Map<string, Payment>();
        const told: string[] = [];
        for (const next of sequence) {
          const before: Invoice | null = state && Object.freeze(state);
          const known = next.step === 'pay' ? payments.get((next as Command<'pay'>).body.reference) : undefined;
          const facts: Lookups = { ...euroCashier, paymentWithReference: known ?? null };
          const decision: InvoiceDecision = decide(before, next, facts);
          // The same again gives the same: a replayed workflow must decide as it did.
          expect(decide(before, next, facts)).toEqual(decision);
          const after: Invoice | null = decision.kind === 'refused' ? before : decision.state;
          if (decision.kind === 'accepted') {
            if (next.step === 'pay') {
              const { body } = next as Command<'pay'>;
              payments.set(body.reference, {
                ...body,
                invoiceId: decision.state.id,
                receivedAt: body.receivedAt ?? NOW,
              });
            }
            if (next.step === 'overdue') told.push('overdue');
            if (next.step === 'remind') told.push(`reminder ${decision.state.remindersSent}`);
          }
          if (after) checkInvariants(before, after, next.step, decision.kind);
          state = after;
        }
        if (state) note(state.status);
        if (state?.cashierId) note('with cashier');
        for (const what of told) note(what);
        expect(payments.size).toBe(state?.status === 'paid' ? 1 : 0);
        expect(new Set(told).size).toBe(told.length);
      }),
      { numRuns: 1000 },
    );
    // Otherwise the property would hold because nothing ever happened.
    const reminders = [1, 2, 3, 4, 5].map((number) => `reminder ${number}`);
    expect([...reached.keys()].toSorted()).toEqual([...statuses, ...reminders, 'overdue', 'with cashier'].toSorted());
  });
});
