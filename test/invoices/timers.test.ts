import type { Invoice } from '../../invoices/lifecycle.ts';
import { isOverdue, overdueBegins, reminderAt } from '../../invoices/due.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from '../../values/dates.ts';
import { decide } from '../../invoices/invoice.ts';
import type { Status } from '../../invoices/lifecycle.ts';
import { type Timer, dueTimer, timersOf } from '../../invoices/timers.ts';

const CREATED = '2030-01-01T08:00:00.000Z';
const finalized: Invoice = {
  tenantId: '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01',
  id: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d',
  name: 'Hosting, January',
  customerReference: null,
  status: 'finalized',
  amountMinor: 120_000,
  currency: 'EUR',
  dueDate: '2030-02-27',
  cashierId: null,
  number: 'INV-2030-000001',
  amountPaidMinor: 0,
  paidAt: null,
  finalizedAt: CREATED,
  cancelledAt: null,
  cancelReason: null,
  version: 2,
  createdAt: CREATED,
  updatedAt: CREATED,
  overdueAt: '2030-02-28T00:00:00.000Z',
  overdueToldAt: null,
  remindersSent: 0,
};

/** `day kind [number]`, as short as a table wants it. */
const shown = (timer: Timer): string =>
  [timer.at.replace('T00:00:00.000Z', ''), timer.kind, ...(timer.kind === 'remind' ? [timer.number] : [])].join(' ');

/** What a workflow does at an instant: carries out what is due until nothing is, and tells what it did. */
function carryOut(invoice: Invoice, now: string): { invoice: Invoice; told: Timer[] } {
  const told: Timer[] = [];
  let state = invoice;
  for (let timer = dueTimer(timersOf(state), now); timer && told.length < 10; timer = dueTimer(timersOf(state), now)) {
    told.push(timer);
    state = tell(state, timer, now);
  }
  return { invoice: state, told };
}

function tell(invoice: Invoice, timer: Timer, now: string): Invoice {
  const { tenantId, id } = invoice;
  const head = { tenantId, invoiceId: id, acceptedAt: now, expectedVersion: null };
  const decision =
    timer.kind === 'overdue'
      ? decide(invoice, { ...head, step: 'overdue', body: {} })
      : decide(invoice, { ...head, step: 'remind', body: { number: timer.number } });
  if (decision.kind !== 'accepted') throw new Error(`Expected an acceptance, came ${JSON.stringify(decision)}`);
  return decision.state;
}

describe('when', () => {
  // 1 day before, 1 day after, then every 3 days, 5 in all.
  const table = [
    { what: 'in a month', due: '2030-05-15', days: '2030-05-14 2030-05-16 2030-05-19 2030-05-22 2030-05-25' },
    { what: 'as a month ends', due: '2030-04-30', days: '2030-04-29 2030-05-01 2030-05-04 2030-05-07 2030-05-10' },
    { what: 'as a month begins', due: '2030-05-01', days: '2030-04-30 2030-05-02 2030-05-05 2030-05-08 2030-05-11' },
    { what: 'as February ends', due: '2030-02-28', days: '2030-02-27 2030-03-01 2030-03-04 2030-03-07 2030-03-10' },
    { what: 'before a leap day', due: '2032-02-28', days: '2032-02-27 2032-02-29 2032-03-03 2032-03-06 2032-03-09' },
    { what: 'on a leap day', due: '2032-02-29', days: '2032-02-28 2032-03-01 2032-03-04 2032-03-07 2032-03-10' },
    { what: 'after a leap day', due: '2032-03-01', days: '2032-02-29 2032-03-02 2032-03-05 2032-03-08 2032-03-11' },
    { what: 'as a year ends', due: '2030-12-31', days: '2030-12-30 2031-01-01 2031-01-04 2031-01-07 2031-01-10' },
    { what: 'at summer time', due: '2030-03-30', days: '2030-03-29 2030-03-31 2030-04-03 2030-04-06 2030-04-09' },
  ];
  const overdue = [
    { due: '2030-05-15', day: '2030-05-16' },
    { due: '2030-04-30', day: '2030-05-01' },
    { due: '2030-02-28', day: '2030-03-01' },
    { due: '2032-02-28', day: '2032-02-29' },
    { due: '2032-02-29', day: '2032-03-01' },
    { due: '2030-12-31', day: '2031-01-01' },
    { due: '2030-03-30', day: '2030-03-31' },
  ];

  it.each(overdue)('TIM-01: due $due, overdue begins at 00:00 UTC of $day', ({ due, day }) => {
    expect(overdueBegins(due)).toBe(`${day}T00:00:00.000Z`);
  });

  it.each(table)('TIM-02: due $what, on $due: reminders at 00:00 UTC of $days', ({ due, days }) => {
    const instants = days.split(' ').map((day) => `${day}T00:00:00.000Z`);
    expect([1, 2, 3, 4, 5].map((number) => reminderAt(due, number))).toEqual(instants);
  });

  // RFC 3339 has years of four digits: one day later would be no instant, for Postgres neither, and sort as the past.
  it.each(['9999-12-21', '9999-12-30', '9999-12-31'])('TIM-01, TIM-02: due %s, they are instants still', (due) => {
    const timers = timersOf({ ...finalized, dueDate: due, overdueAt: overdueBegins(due) });
    expect(timers).toHaveLength(6);
    for (const { at } of timers) expect(at).toMatch(/^9999-12-[23]\dT00:00:00\.000Z$/);
    expect(dueTimer(timers, '2030-01-01T00:00:00.000Z')).toBeUndefined();
    expect(isOverdue({ ...finalized, overdueAt: overdueBegins(due) }, '2030-01-01T00:00:00.000Z')).toBe(false);
  });

  it('days are counted to the last day there is, and not further', () => {
    expect(addDays('9999-12-01', 30)).toBe('9999-12-31');
    expect(addDays('9999-12-01', 31)).toBe('9999-12-31');
  });
});

describe('timers of an invoice', () => {
  it('TIM-01, TIM-02: the earliest first; overdue before the reminder of the same instant', () => {
    expect(timersOf(finalized).map(shown)).toEqual([
      '2030-02-26 remind 1',
      '2030-02-28 overdue',
      '2030-02-28 remind 2',
      '2030-03-03 remind 3',
      '2030-03-06 remind 4',
      '2030-03-09 remind 5',
    ]);
  });

  it('TIM-01: overdue is told at its instant, wherever a test has put it', () => {
    const soon = { ...finalized, overdueAt: '2030-01-01T08:00:01.500Z' };
    expect(timersOf(soon)[0]).toEqual({ kind: 'overdue', at: '2030-01-01T08:00:01.500Z' });
    expect(timersOf({ ...finalized, overdueAt: '2030-03-05T00:00:00.000Z' }).map(({ kind }) => kind)).toEqual([
      'remind',
      'remind',
      'remind',
      'overdue',
      'remind',
      'remind',
    ]);
  });

  it('TIM-01, TIM-02: what was told is no timer any more', () => {
    const told = { ...finalized, overdueToldAt: '2030-02-28T00:00:01.000Z', remindersSent: 3 };
    expect(timersOf(told).map(shown)).toEqual(['2030-03-06 remind 4', '2030-03-09 remind 5']);
    expect(timersOf({ ...told, remindersSent: 5 })).toEqual([]);
  });

  it.each(['draft', 'paid', 'cancelled'] as const satisfies Status[])('TIM-02: %s: none', (status) => {
    expect(timersOf({ ...finalized, status })).toEqual([]);
  });

  // Nobody missed what lay before there was an invoice to pay.
  it.each([
    { finalizedAt: '2030-02-25T23:59:59.999Z', first: '2030-02-26 remind 1' },
    { finalizedAt: '2030-02-26T00:00:00.000Z', first: '2030-02-28 overdue' },
    { finalizedAt: '2030-02-27T12:00:00.000Z', first: '2030-02-28 overdue' },
  ])('TIM-02: finalized at $finalizedAt, $first is the first', ({ finalizedAt, first }) => {
    expect(timersOf({ ...finalized, finalizedAt }).map(shown)[0]).toBe(first);
  });

  it('TIM-01, TIM-02: finalized after the due date, overdue is told, reminders that lay before are not', () => {
    const late = { ...finalized, finalizedAt: '2030-03-04T12:00:00.000Z' };
    expect(carryOut(late, '2030-03-04T12:00:00.000Z').told.map(shown)).toEqual(['2030-02-28 overdue']);
    expect(timersOf(late).map(shown).slice(1)).toEqual(['2030-03-06 remind 4', '2030-03-09 remind 5']);
  });
});

describe('what is due', () => {
  it.each([
    { now: '2030-02-25T23:59:59.999Z', told: [] },
    { now: '2030-02-26T00:00:00.000Z', told: ['2030-02-26 remind 1'] },
    { now: '2030-02-27T23:59:59.999Z', told: ['2030-02-26 remind 1'] },
    { now: '2030-02-28T00:00:00.000Z', told: ['2030-02-28 overdue', '2030-02-28 remind 2'] },
    { now: '2030-03-03T00:00:00.000Z', told: ['2030-02-28 overdue', '2030-03-03 remind 3'] },
    { now: '2030-03-08T23:59:59.999Z', told: ['2030-02-28 overdue', '2030-03-06 remind 4'] },
    { now: '2031-01-01T00:00:00.000Z', told: ['2030-02-28 overdue', '2030-03-09 remind 5'] },
  ])('TIM-04: coming late, at $now, tells overdue first and only the latest reminder: $told', ({ now, told }) => {
    expect(carryOut(finalized, now).told.map(shown)).toEqual(told);
  });

  it('TIM-04: after a late reminder the next one comes at its own time', () => {
    const { invoice } = carryOut(finalized, '2030-03-04T12:00:00.000Z');
    expect(timersOf(invoice).map(shown)).toEqual(['2030-03-06 remind 4', '2030-03-09 remind 5']);
  });

  it('without timers nothing is due', () => {
    expect(dueTimer([], '2040-01-01T00:00:00.000Z')).toBeUndefined();
  });
});

describe('any life of an invoice', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;
  const instant = (ms: number) => new Date(ms).toISOString();
  const life = fc.record({
    dueDate: fc.integer({ min: 0, max: 5000 }).map((days) => addDays('2028-01-01', days)),
    /** From long before the due date to after the last reminder. */
    finalizedMs: fc.integer({ min: -40 * DAY_MS, max: 14 * DAY_MS }),
    overdueAfterMs: fc.option(fc.integer({ min: 0, max: 20 * DAY_MS }), { freq: 3 }),
    gapsMs: fc.array(fc.integer({ min: 1, max: 6 * DAY_MS }), { maxLength: 30 }),
  });

  it('TIM-01, TIM-02, TIM-04: each is told at most once, in order, at most one reminder a look, and then none is left', () => {
    const counts = { allFive: 0, passedOver: 0 };
    fc.assert(
      fc.property(life, ({ dueDate, finalizedMs, overdueAfterMs, gapsMs }) => {
        const finalizedAt = instant(Date.parse(dueDate) + finalizedMs);
        const overdueAt =
          overdueAfterMs === null ? overdueBegins(dueDate) : instant(Date.parse(finalizedAt) + overdueAfterMs);
        let invoice: Invoice = { ...finalized, dueDate, finalizedAt, overdueAt };
        const all: Timer[] = [];
        const looks = gapsMs.map((_, index) => gapsMs.slice(0, index + 1).reduce((sum, gap) => sum + gap, 0));
        const end = Math.max(looks.at(-1) ?? 0, 100 * DAY_MS);
        for (const afterMs of [...looks, end]) {
          const now = instant(Date.parse(finalizedAt) + afterMs);
          const { told, invoice: after } = carryOut(invoice, now);
          expect(told.filter(({ kind }) => kind === 'remind').length).toBeLessThanOrEqual(1);
          expect(told.every(({ at }) => at <= now)).toBe(true);
          expect(timersOf(after).every(({ at }) => at > now)).toBe(true);
          all.push(...told);
          invoice = after;
        }
        const numbers = all.flatMap((timer) => (timer.kind === 'remind' ? [timer.number] : []));
        expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other));
        expect(all.filter(({ kind }) => kind === 'overdue')).toEqual([{ kind: 'overdue', at: overdueAt }]);
        expect(timersOf(invoice)).toEqual([]);
        expect(numbers.at(-1)).toBe(reminderAt(dueDate, 5) > finalizedAt ? 5 : undefined);
        if (numbers.length === 5) counts.allFive += 1;
        if (numbers.length > 0 && numbers.length < 5) counts.passedOver += 1;
      }),
      { numRuns: 500 },
    );
    // Otherwise the property would hold because nothing ever happened.
    expect(counts.allFive).toBeGreaterThan(0);
    expect(counts.passedOver).toBeGreaterThan(0);
  });
});
