/** Which currencies a cashier accepts: each from a day on; none listed means all (CSH-04). */
export interface AcceptedCurrency {
  /** ISO 4217 */
  currency: string;
  /** YYYY-MM-DD; accepted on this day and after it. */
  effectiveFrom: string;
}

export const acceptsCurrency = (accepted: readonly AcceptedCurrency[], currency: string, day: string): boolean =>
  accepted.length === 0 || accepted.some((entry) => entry.currency === currency && entry.effectiveFrom <= day);

/** What is accepted without the currency `dropped`. */
export const without = (accepted: readonly AcceptedCurrency[], dropped: string): AcceptedCurrency[] =>
  accepted.filter(({ currency }) => currency !== dropped);
