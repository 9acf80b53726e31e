/** Amounts as they are written: a decimal, and how many minor units it is. Of currencies this file knows nothing. */

export const AMOUNT_MAX_MINOR = 99_999_999_999_999;

/** No currency of ISO 4217 has more. */
export const DECIMALS_MAX = 4;

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

/** What is wrong with an amount whatever its currency, which is not known yet. */
export function faultInAnyCurrency(input: string | number): AmountError | undefined {
  let fault: AmountError | undefined;
  for (let exponent = 0; exponent <= DECIMALS_MAX; exponent += 1) {
    const parsed = parseAmount(input, exponent);
    if (!('error' in parsed)) return undefined;
    fault = parsed.error;
  }
  return fault;
}

const messages: Record<AmountError, (exponent: number) => string> = {
  not_a_decimal: () => 'must be a plain decimal such as "1200.00", without sign, exponent or spaces',
  too_many_decimals: (exponent) => `must have at most ${exponent} decimals in this currency`,
  out_of_range: () => `must be between 1 and ${AMOUNT_MAX_MINOR.toLocaleString('en')} minor units`,
};

/** For people; `exponent` is the currency's number of decimals. */
export const amountMessage = (error: AmountError, exponent: number): string => messages[error](exponent);
