/**
 * Money is an integer of minor units and an ISO 4217 code that has minor units; on the wire it is a decimal string
 * with exactly the currency's decimals ("1200.00" EUR, "1200" JPY). Never a float, never a silent rounding.
 */
import currencyCodes from 'currency-codes';

export const AMOUNT_MAX_MINOR = 99_999_999_999_999;

// ISO 4217 gives these no minor unit ("N.A."): metals, funds and test codes. The list of codes shows them as 0 decimals.
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

export type AmountError = 'not_a_decimal' | 'too_many_decimals' | 'out_of_range';

const DECIMAL = /^(?:0|[1-9]\d*)(?:\.(\d+))?$/;

/**
 * Reads a decimal ("12.30", or the JSON number 12.3) as minor units of a currency with `exponent` decimals.
 * Exponent form, signs, spaces and more decimals than the currency has are errors.
 */
export function parseAmount(
  input: string | number,
  exponent: number,
): { amountMinor: number } | { error: AmountError } {
  const text = String(input);
  const match = DECIMAL.exec(text);
  if (!match) return { error: 'not_a_decimal' };
  const decimals = match[1] ?? '';
  if (decimals.length > exponent) return { error: 'too_many_decimals' };
  const digits = text.replace('.', '') + '0'.repeat(exponent - decimals.length);
  // Longer than any allowed amount: refused before Number() could round it.
  if (digits.replace(/^0+/, '').length > String(AMOUNT_MAX_MINOR).length) return { error: 'out_of_range' };
  const amountMinor = Number(digits);
  return amountMinor >= 1 && amountMinor <= AMOUNT_MAX_MINOR ? { amountMinor } : { error: 'out_of_range' };
}

/** Minor units as the decimal string of the wire: 120000, "EUR" -> "1200.00". */
export function formatAmount(amountMinor: number | bigint, currency: string): string {
  const exponent = exponentOf(currency) ?? 0;
  if (exponent === 0) return String(amountMinor);
  const digits = String(amountMinor).padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
