/**
 * What time brings to a finalized, unpaid invoice: it becomes overdue, and reminders fall due.
 *
 * Always true:
 * 1. Overdue is told once, each reminder at most once; a paid or cancelled invoice has no timers.
 * 2. A workflow that comes late tells a missed overdue, and of the missed reminders only the latest (TIM-04).
 * 3. A reminder that lay before the invoice was finalized was never missed: it is passed over.
 */
import { reminderAt, reminderPolicy } from './due.ts';
import { type Invoice, mayBring } from './lifecycle.ts';

export type Timer = { kind: 'overdue'; at: string } | { kind: 'remind'; number: number; at: string };

type Timed = Pick<Invoice, 'status' | 'dueDate' | 'finalizedAt' | 'overdueAt' | 'overdueToldAt' | 'remindersSent'>;

/** What time still has to tell about an invoice, the earliest first; at one instant overdue comes before a reminder. */
export function timersOf(invoice: Timed): Timer[] {
  const { status, dueDate, finalizedAt, overdueAt, overdueToldAt, remindersSent } = invoice;
  if (dueDate === null || finalizedAt === null) return [];
  const overdue: Timer[] =
    mayBring('overdue', status) && overdueAt !== null && overdueToldAt === null
      ? [{ kind: 'overdue', at: overdueAt }]
      : [];
  const numbers = mayBring('remind', status) ? reminderPolicy.max : 0;
  const reminders = Array.from({ length: numbers }, (_, index): Timer => {
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
