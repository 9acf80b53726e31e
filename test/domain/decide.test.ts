import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Command,
  type Decision,
  type Facts,
  type Invoice,
  type Payment,
  type StepBodies,
  decide,
  formatInvoiceNumber,
  isOverdue,
  openAmountMinor,
} from '../../domain/invoice.ts';
import { type Status, type Step, isFinal, statuses, steps } from '../../domain/lifecycle.ts';

const TENANT = '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01';
const ID = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
const OTHER_ID = '5d2c9b1a-3f64-5c0e-8f7a-2b1e6d4c3a90';
const CASHIER = '3f0a4c55-0a5e-4f0a-9b36-6a1f0a9d7c11';
const CREATED = '2030-01-01T08:00:00.000Z';
const NOW = '2030-01-31T12:00:00.000Z';

const draft: Invoice = {
  tenantId: TENANT,
  id: ID,
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
};
const finalized: Invoice = {
  ...draft,
  status: 'finalized',
  number: 'INV-2030-000001',
  finalizedAt: CREATED,
  version: 2,
};
const invoices: Record<Status, Invoice> = {
  draft,
  finalized,
  paid: { ...finalized, status: 'paid', amountPaidMinor: 120_000, paidAt: CREATED, version: 3 },
  cancelled: { ...finalized, status: 'cancelled', cancelledAt: CREATED, version: 3 },
};

/** A body that is right in every respect, for each step. */
const bodies: StepBodies = {
  create: {
    name: 'Hosting, January',
    amountMinor: 120_000,
    currency: 'EUR',
    customerReference: null,
    dueDate: null,
    cashierId: null,
  },
  update: { name: 'Hosting and backup' },
  finalize: {},
  pay: { amountMinor: 120_000, currency: 'EUR', method: 'bank transfer', reference: 'PAY-1', receivedAt: null },
  cancel: { reason: 'Ordered twice' },
};

const command = <S extends Step>(
  step: S,
  body: Partial<StepBodies[S]> = {},
  more: Partial<Pick<Command, 'expectedVersion' | 'acceptedAt'>> = {},
): Command<S> => ({
  step,
  tenantId: TENANT,
  invoiceId: ID,
  acceptedAt: NOW,
  expectedVersion: null,
  body: { ...bodies[step], ...body },
  ...more,
});

function acceptedBy(decision: Decision) {
  if (decision.kind !== 'accepted') throw new Error(`Expected an acceptance, came ${JSON.stringify(decision)}`);
  return decision;
}

function refusalBy(decision: Decision) {
  if (decision.kind !== 'refused') throw new Error(`Expected a refusal, came ${JSON.stringify(decision)}`);
  return decision.refusal;
}

describe('lifecycle', () => {
  // Written out here on purpose: a table that were computed from the code could not contradict it.
  const table: Record<Status, Partial<Record<Step, Status>>> = {
    draft: { update: 'draft', finalize: 'finalized', cancel: 'cancelled' },
    finalized: { pay: 'paid', cancel: 'cancelled' },
    paid: {},
    cancelled: {},
  };
  const pairs = statuses.flatMap((status) =>
    steps.filter((step) => step !== 'create').map((step) => ({ status, step, to: table[status][step] })),
  );

  it.each(pairs.filter(({ to }) => to !== undefined))('$status + $step = $to', ({ status, step, to }) => {
    const { invoice } = acceptedBy(decide(invoices[status], command(step)));
    expect(invoice).toMatchObject({ status: to, version: invoices[status].version + 1, updatedAt: NOW });
    expect(invoice).toMatchObject({ tenantId: TENANT, id: ID, createdAt: CREATED });
  });

  it.each(pairs.filter(({ to }) => to === undefined))('$status + $step is refused', ({ status, step }) => {
    expect(refusalBy(decide(invoices[status], command(step)))).toMatchObject({
      code: 'transition_not_allowed',
      members: { invoiceStatus: status, allowedActions: Object.keys(table[status]) },
    });
  });

  it.each(statuses)('%s is final exactly when nothing leaves it', (status) => {
    expect(isFinal(status)).toBe(Object.keys(table[status]).length === 0);
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
      payment: null,
      reason: null,
      invoice: {
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

  it('INV-04: a cashier that does not exist is refused', () => {
    expect(refusalBy(decide(null, command('create', { cashierId: CASHIER }))).code).toBe('unknown_cashier');
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
    const { invoice } = acceptedBy(decide(draft, { step, ...rest, body }));
    expect(invoice).toEqual({ ...draft, ...body, version: 2, updatedAt: NOW });
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
    expect(acceptedBy(decide(old, command('update'))).invoice.dueDate).toBe('2030-01-05');
  });

  it('INV-20: a cashier that does not exist is refused; none is allowed', () => {
    expect(refusalBy(decide(draft, command('update', { cashierId: CASHIER }))).code).toBe('unknown_cashier');
    const withCashier = { ...draft, cashierId: CASHIER };
    expect(acceptedBy(decide(withCashier, command('update', { cashierId: null }))).invoice.cashierId).toBeNull();
  });
});

describe('finalize', () => {
  it('INV-21: keeps the amount; the number is drawn by the transaction, so that a refusal leaves no gap', () => {
    const { invoice } = acceptedBy(decide(draft, command('finalize')));
    expect(invoice).toEqual({ ...draft, status: 'finalized', finalizedAt: NOW, version: 2, updatedAt: NOW });
    expect(invoice.number).toBeNull();
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
    const { invoice } = acceptedBy(decide({ ...draft, dueDate: null }, command('finalize', {}, { acceptedAt })));
    expect(invoice.dueDate).toBe(due);
  });

  it('INV-22: a due date that is there stays', () => {
    expect(acceptedBy(decide(draft, command('finalize'))).invoice.dueDate).toBe('2030-02-28');
  });
});

describe('cancel', () => {
  it.each([draft, finalized])('INV-30: the reason of a cancelled $status is kept', (before) => {
    const decision = acceptedBy(decide(before, command('cancel')));
    expect(decision.reason).toBe('Ordered twice');
    expect(decision.invoice).toEqual({
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
    expect(decision.invoice.cancelReason).toBeNull();
  });

  it('nothing of a cancelled invoice is open', () => {
    expect(openAmountMinor(finalized)).toBe(120_000);
    expect(openAmountMinor(invoices.paid)).toBe(0);
    expect(openAmountMinor(invoices.cancelled)).toBe(0);
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
      expect(acceptedBy(decide(state, command(step, {}, { expectedVersion }))).invoice.version).toBe(state.version + 1);
    }
  });
});

describe('pay', () => {
  it('INV-42: amountPaid and paidAt are set, and the payment is told', () => {
    const receivedAt = '2030-01-30T10:00:00.000Z';
    const decision = acceptedBy(decide(finalized, command('pay', { receivedAt })));
    expect(decision.invoice).toEqual({
      ...finalized,
      status: 'paid',
      amountPaidMinor: 120_000,
      paidAt: receivedAt,
      version: 3,
      updatedAt: NOW,
    });
    expect(decision.payment).toEqual({
      invoiceId: ID,
      amountMinor: 120_000,
      currency: 'EUR',
      method: 'bank transfer',
      reference: 'PAY-1',
      receivedAt,
    });
  });

  it('INV-42: without receivedAt the money arrived when the command was accepted', () => {
    const decision = acceptedBy(decide(finalized, command('pay')));
    expect(decision.invoice.paidAt).toBe(NOW);
    expect(decision.payment?.receivedAt).toBe(NOW);
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

  it.each(['2030-01-31T12:05:00.000Z', NOW, '2020-01-01T00:00:00.000Z'])(
    'INV-40: received at %s, accepted at noon: allowed',
    (receivedAt) => {
      expect(acceptedBy(decide(finalized, command('pay', { receivedAt }))).invoice.paidAt).toBe(receivedAt);
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
  const knowing = (payment: Payment | null): Facts => ({ paymentWithReference: payment });

  it('INV-41: the same payment again is answered with the invoice as it is, and changes nothing', () => {
    expect(decide(invoices.paid, command('pay'), knowing(known))).toEqual({ kind: 'replayed', invoice: invoices.paid });
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
  const used: Facts = {
    paymentWithReference: {
      invoiceId: OTHER_ID,
      amountMinor: 1,
      currency: 'EUR',
      method: 'wire',
      reference: 'PAY-1',
      receivedAt: CREATED,
    },
  };
  const sameMoney: Facts = {
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
    expect(isOverdue(invoices[status], '2040-01-01T00:00:00.000Z')).toBe(false);
  });
});

describe('any sequence of commands', () => {
  const reference = fc.constantFrom('PAY-1', 'PAY-2');
  // Few values, so that many payments fit their invoice: about one sequence in sixteen ends paid.
  const money = { amountMinor: fc.constantFrom(1, 2), currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'JPY') };
  const dueDate = fc.constantFrom(null, '2030-01-30', '2030-01-31', '2030-06-01');
  const bodyOf: { [S in Step]: fc.Arbitrary<StepBodies[S]> } = {
    create: fc.record({
      ...money,
      name: fc.constant('Hosting'),
      customerReference: fc.constant(null),
      dueDate,
      cashierId: fc.constant(null),
    }),
    update: fc.oneof(fc.record(money), fc.record({ dueDate }), fc.constant({})),
    finalize: fc.constant({}),
    pay: fc.record({ ...money, reference, method: fc.constant('wire'), receivedAt: fc.constantFrom(null, NOW) }),
    cancel: fc.record({ reason: fc.constantFrom(null, 'Ordered twice') }),
  };
  const commands = fc.oneof(
    ...steps.map((step) =>
      fc
        .tuple(bodyOf[step], fc.option(fc.nat({ max: 6 }), { freq: 1 }))
        .map(([body, expectedVersion]): Command => command(step, body, { expectedVersion })),
    ),
  );

  function checkInvariants(before: Invoice | null, after: Invoice, { kind }: Decision): void {
    const { status } = after;
    expect(after.version).toBe((before?.version ?? 0) + (kind === 'accepted' ? 1 : 0));
    expect(kind === 'accepted' && before !== null && isFinal(before.status)).toBe(false);
    expect(after.amountPaidMinor).toBe(status === 'paid' ? after.amountMinor : 0);
    expect(after.paidAt !== null).toBe(status === 'paid');
    expect(after.cancelledAt !== null).toBe(status === 'cancelled');
    expect((status === 'finalized' || status === 'paid') && after.dueDate === null).toBe(false);
    const { tenantId, id, createdAt } = before ?? after;
    expect(after).toMatchObject({ tenantId, id, createdAt });
  }

  it('INV-06, INV-42: one version an acceptance, final is final, paid is paid in full, state is never touched', () => {
    const reached = new Map<Status, number>();
    fc.assert(
      fc.property(fc.array(commands, { minLength: 4, maxLength: 20, size: 'max' }), (sequence) => {
        let state: Invoice | null = null;
        const payments = new Map<string, Payment>();
        for (const next of sequence) {
          const before: Invoice | null = state && Object.freeze(state);
          const known = next.step === 'pay' ? payments.get((next as Command<'pay'>).body.reference) : undefined;
          const decision: Decision = decide(before, next, { paymentWithReference: known ?? null });
          // The same again gives the same: a replayed workflow must decide as it did.
          expect(decide(before, next, { paymentWithReference: known ?? null })).toEqual(decision);
          const after: Invoice | null = decision.kind === 'refused' ? before : decision.invoice;
          if (decision.kind === 'accepted' && decision.payment)
            payments.set(decision.payment.reference, decision.payment);
          if (after) checkInvariants(before, after, decision);
          state = after;
        }
        if (state) reached.set(state.status, (reached.get(state.status) ?? 0) + 1);
        expect(payments.size).toBe(state?.status === 'paid' ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
    // Otherwise the property would hold because nothing ever happened.
    expect([...reached.keys()].toSorted()).toEqual([...statuses].toSorted());
  });
});
