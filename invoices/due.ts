/** When an invoice is due, becomes overdue, and is asked to be paid: days and instants alone. */
import { addDays, dateOf, isDate } from '../values/dates.ts';
import type { FieldError } from '../commands/refusal.ts';

export const PAYMENT_TERM_DAYS = 30;

/** When a payment is asked for: days relative to the due date. */
export const reminderPolicy = { daysBeforeDue: 1, firstDaysAfterDue: 1, everyDays: 3, max: 5 } as const;

const startOfDay = (date: string): string => `${date}T00:00:00.000Z`;

/** 00:00 UTC after the due date (TIM-01). */
export const overdueBegins = (dueDate: string): string => startOfDay(addDays(dueDate, 1));

/** The instant of reminder 1, 2 ... (TIM-02). */
export function reminderAt(dueDate: string, number: number): string {
  const { daysBeforeDue, firstDaysAfterDue, everyDays } = reminderPolicy;
  const days = number === 1 ? -daysBeforeDue : firstDaysAfterDue + (number - 2) * everyDays;
  return startOfDay(addDays(dueDate, days));
}

/** Finalized, unpaid, and overdue has begun (TIM-01). */
export const isOverdue = ({ status, overdueAt }: { status: string; overdueAt: string | null }, now: string): boolean =>
  status === 'finalized' && overdueAt !== null && overdueAt <= now;

/** The due date must not lie before the day on which the command was accepted (INV-04). */
export function dueDateError(dueDate: string | null, acceptedAt: string): FieldError | undefined {
  if (dueDate === null || dueDate >= dateOf(acceptedAt)) return undefined;
  return { path: 'dueDate', code: 'in_the_past', message: `must not be before today, ${dateOf(acceptedAt)} (UTC)` };
}

/** The same of a body that is not parsed yet: it depends on the day, so it is told beside what a schema finds. */
export function dueDateErrorIn(body: unknown, acceptedAt: string): FieldError | undefined {
  const { dueDate } = (body ?? {}) as { dueDate?: unknown };
  return typeof dueDate === 'string' && isDate(dueDate) ? dueDateError(dueDate, acceptedAt) : undefined;
}
