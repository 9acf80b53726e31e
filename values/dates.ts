/**
 * Calendar dates as `YYYY-MM-DD` and instants as RFC 3339 text. Whether one exists is said here and nowhere else. Pure:
 * nothing here reads a clock.
 */

const DAY_MS = 24 * 60 * 60 * 1000;

const DATE = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** What is asked for, in words. */
export const EXISTING_DATE = 'a date that exists, such as "2030-01-31"';
export const EXISTING_INSTANT = 'an instant that exists, such as "2030-01-31T09:30:00Z"';

/** A day that a calendar has, in the years 1 to 9999: Postgres has no year 0, and no invoice needs one. */
export function isDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith('0000')) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  // The 31st of February is read as a day of March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** An instant on a day that a calendar has. An offset must not move it out of the years 1 to 9999. */
export function isInstant(text: string): boolean {
  const [, date] = INSTANT.exec(text) ?? [];
  return date !== undefined && isDate(date) && isDate(dateOf(text));
}

/** The UTC calendar date of an instant. */
export const dateOf = (instant: string): string => new Date(instant).toISOString().slice(0, 10);

/** The same day so many years before, as text to compare with: on the 29th of February it may be no day. */
export const yearsBefore = (date: string, years: number): string =>
  `${String(Number(date.slice(0, 4)) - years).padStart(4, '0')}${date.slice(4)}`;

/**
 * Dates and instants have years of four digits: what lies behind them is neither text that sorts nor a date for
 * Postgres.
 */
const LAST_DATE = '9999-12-31';

/** The date so many days later (or earlier), but none after 9999-12-31. */
export function addDays(date: string, days: number): string {
  const later = new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString();
  return later.startsWith('+') ? LAST_DATE : later.slice(0, 10);
}
