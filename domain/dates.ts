/** Calendar dates as `YYYY-MM-DD` and instants as RFC 3339 text in UTC. Pure: nothing here reads a clock. */

const DAY_MS = 24 * 60 * 60 * 1000;

/** The UTC calendar date of an instant. */
export const dateOf = (instant: string): string => new Date(instant).toISOString().slice(0, 10);

export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
