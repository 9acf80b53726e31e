/**
 * Money is an integer of minor units and an ISO 4217 code that has minor units; on the wire it is a decimal string
 * with exactly the currency's decimals ("1200.00" EUR, "1200" JPY). Never a float, never a silent rounding.
 */
import currencyCodes from 'currency-codes';

// ISO 4217 gives these no minor unit ("N.A."): metals, funds and test codes. The list of codes shows them as 0
// decimals.
const WITHOUT_MINOR_UNIT = new Set(
  ['XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XPD', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX'], // ISO 4217 list one
);

// What ISO 4217 has changed since the list was made: XCG came for ANG (2025), Bulgaria took the euro (2026).
const ADDED: [string, number][] = [['XCG', 2]];
const WITHDRAWN = new Set(['ANG', 'BGN']);

const exponents = new Map(
  currencyCodes.data
    .filter(({ code }) => !WITHOUT_MINOR_UNIT.has(code) && !WITHDRAWN.has(code))
    .map(({ code, digits }): [string, number] => [code, digits])
    .concat(ADDED),
);

/** The number of decimals of a currency, or undefined when the code is unknown or has no minor unit. */
export const exponentOf = (currency: string): number | undefined => exponents.get(currency);

/** What a currency must be; for people. */
export const CURRENCY_MESSAGE = 'must be an ISO 4217 code of a currency with minor units';

/**
 * The code that a text names in capitals or small letters; undefined when it is none of a currency with minor units.
 */
export function currencyCode(text: string): string | undefined {
  // Tested first: in capitals a dotless i is an I, and a ligature two letters.
  const code = /^[A-Za-z]{3}$/.test(text) ? text.toUpperCase() : '';
  return exponents.has(code) ? code : undefined;
}

/** Minor units as the decimal string of the wire: 120000, "EUR" -> "1200.00". */
export function formatAmount(amountMinor: number | bigint, currency: string): string {
  const exponent = exponentOf(currency) ?? 0;
  if (exponent === 0) return String(amountMinor);
  const digits = String(amountMinor).padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
