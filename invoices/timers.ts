/**
 * What time brings to a finalized, unpaid invoice: it becomes overdue, and reminders fall due.
 *
 * Always true:
 * 1. Overdue is told once, each reminder at most once; a paid or cancelled invoice has no timers.
 * 2. A workflow that comes late tells a missed overdue, and of the missed reminders only the latest (TIM-04).
 * 3. A reminder that lay before the invoice was finalized was never missed: it is passed over.
 */
import { addDays } from '../values/dates.ts';
import type { Invoice } from './invoice.ts';

/** When a payment is asked for: days relative to the due date. */
export const reminderPolicy = { daysBeforeDue: 1, firstDaysAfterDue: 1, everyDays: 3, max: 5 } as const;

export type Timer = { kind: 'overdue'; at: string } | { kind: 'remind'; number: number; at: string };

const startOfDay = (date: string): string => `${date}T00:00:00.000Z`;

/** 00:00 UTC after the due date (TIM-01). */
export const overdueBegins = (dueDate: string): string => startOfDay(addDays(dueDate, 1));

/** The instant of reminder 1, 2 ... (TIM-02). */
export function reminderAt(dueDate: string, number: number): string {
  const { daysBeforeDue, firstDaysAfterDue, everyDays } = reminderPolicy;
  const days = number === 1 ? -daysBeforeDue : firstDaysAfterDue + (number - 2) * everyDays;
  return startOfDay(addDays(dueDate, days));
}

type Timed = Pick<Invoice, 'status' | 'dueDate' | 'finalizedAt' | 'overdueAt' | 'overdueToldAt' | 'remindersSent'>;

/** What time still has to tell about an invoice, the earliest first; at one instant overdue comes before a reminder. */
export function timersOf(invoice: Timed): Timer[] {
  const { status, dueDate, finalizedAt, overdueAt, overdueToldAt, remindersSent } = invoice;
  if (status !== 'finalized' || dueDate === null || finalizedAt === null) return [];
  const overdue: Timer[] = overdueAt !== null && overdueToldAt === null ? [{ kind: 'overdue', at: overdueAt }] : [];
  const reminders = Array.from({ length: reminderPolicy.max }, (_, index): Timer => {
    const number = index + 1;
    return { kind: 'remind', number, at: reminderAt(dueDate, number) };
  });
  const ahead = reminders.filter(
    (timer) => timer.kind === 'remind' && timer.number > remindersSent && timer.at > finalizedAt,
  );
  return [...overdue, ...ahead].toSorted((one, other) => one.at.localeCompare(other.at));
}

/** What tells one timer of an invoice from the others. */
export const timerName = (timer: Timer): string => (timer.kind === 'overdue' ? 'overdue' : `reminder:${timer.number}`);

/** What a timer waits for, for people. */
export const timerSummary = (timer: Timer): string =>
  timer.kind === 'overdue' ? 'Overdue begins' : `Payment reminder ${timer.number} of ${reminderPolicy.max}`;

/** The timer to carry out at `now`, if one is due: overdue first, of the reminders only the latest. */
export function dueTimer(timers: readonly Timer[], now: string): Timer | undefined {
  const due = timers.filter(({ at }) => at <= now);
  return due.find(({ kind }) => kind === 'overdue') ?? due.at(-1);
}
