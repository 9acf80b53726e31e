/** Calendar dates as `YYYY-MM-DD` and instants as RFC 3339 text in UTC. Pure: nothing here reads a clock. */

const DAY_MS = 24 * 60 * 60 * 1000;

/** The UTC calendar date of an instant. */
export const dateOf = (instant: string): string => new Date(instant).toISOString().slice(0, 10);

/** Dates and instants have years of four digits: what lies behind them is neither text that sorts nor a date for Postgres. */
const LAST_DATE = '9999-12-31';

/** The date so many days later (or earlier), but none after 9999-12-31. */
export function addDays(date: string, days: number): string {
  const later = new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString();
  return later.startsWith('+') ? LAST_DATE : later.slice(0, 10);
}
