import { codes } from 'currency-codes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AMOUNT_MAX_MINOR, DECIMALS_MAX, faultInAnyCurrency, parseAmount } from '../../values/amount.ts';
import { currencyCode, exponentOf, formatAmount } from '../../values/money.ts';

const currencies = [
  { currency: 'JPY', exponent: 0 },
  { currency: 'EUR', exponent: 2 },
  { currency: 'KWD', exponent: 3 },
  { currency: 'CLF', exponent: 4 },
];
const amountsMinor = fc.integer({ min: 1, max: AMOUNT_MAX_MINOR });

describe('currencies', () => {
  it.each(currencies)('INV-04: $currency has $exponent decimals', ({ currency, exponent }) => {
    expect(exponentOf(currency)).toBe(exponent);
  });

  // The list of codes shows these with 0 decimals: an invoice over 5 XXX would look like money.
  it.each(['XXX', 'XTS', 'XAU', 'XAG', 'XPT', 'XPD', 'XDR', 'XSU', 'XUA', 'XBA', 'XBB', 'XBC', 'XBD'])(
    'INV-04: %s has no minor unit and is no currency of an invoice',
    (code) => {
      expect(exponentOf(code)).toBeUndefined();
    },
  );

  it.each(['', 'EU', 'EURO', 'eur', 'ZZZ', 'constructor'])('INV-04: "%s" is no code', (code) => {
    expect(exponentOf(code)).toBeUndefined();
  });
});

describe('codes as they are sent', () => {
  it.each(['EUR', 'eur', 'Eur'])('INV-04: %s is EUR', (text) => {
    expect(currencyCode(text)).toBe('EUR');
  });

  // Each becomes letters of a code when it is put into capitals.
  it.each(['ıSK', 'ıdr', 'ſEK', 'ﬁJD', 'eﬀ', 'ZZZ', 'XXX', 'EURO', ' EUR', 'EUR\n', ''])(
    'INV-04: "%s" is none',
    (text) => {
      expect(currencyCode(text)).toBeUndefined();
    },
  );
});

describe('amounts whose currency is not known yet', () => {
  it.each(['1', '1.5', '1.23', '1.2345', '99999999999999', '9999999999.9999'])('INV-20: %s may fit one', (text) => {
    expect(faultInAnyCurrency(text)).toBeUndefined();
  });

  it.each([
    ['0', 'out_of_range'],
    ['0.00', 'out_of_range'],
    ['100000000000000', 'out_of_range'],
    ['99999999999999.9', 'out_of_range'],
    ['1.23456', 'too_many_decimals'],
    ['1e2', 'not_a_decimal'],
    ['', 'not_a_decimal'],
  ])('INV-20: %j fits none: %s', (text, fault) => {
    expect(faultInAnyCurrency(text)).toBe(fault);
  });

  it('INV-20: no currency has more decimals than are tried', () => {
    const most = Math.max(...codes().map((code) => exponentOf(code) ?? 0));
    expect(most).toBe(DECIMALS_MAX);
  });
});

describe('parseAmount', () => {
  it.each([
    { input: '1200.00', exponent: 2, amountMinor: 120_000 },
    { input: '1200', exponent: 2, amountMinor: 120_000 },
    { input: '1200.5', exponent: 2, amountMinor: 120_050 },
    { input: '0.01', exponent: 2, amountMinor: 1 },
    { input: '0.001', exponent: 3, amountMinor: 1 },
    { input: '1', exponent: 0, amountMinor: 1 },
    { input: '999999999999.99', exponent: 2, amountMinor: AMOUNT_MAX_MINOR },
    { input: '99999999999.999', exponent: 3, amountMinor: AMOUNT_MAX_MINOR },
    { input: '99999999999999', exponent: 0, amountMinor: AMOUNT_MAX_MINOR },
    { input: 12.3, exponent: 2, amountMinor: 1230 },
    { input: 1200, exponent: 2, amountMinor: 120_000 },
    // 0.29 * 100 is 28.999999999999996: a product of floats would lose a cent.
    { input: 0.29, exponent: 2, amountMinor: 29 },
    { input: 1.005, exponent: 3, amountMinor: 1005 },
    { input: 99_999_999_999_999, exponent: 0, amountMinor: AMOUNT_MAX_MINOR },
  ])('INV-04: $input with $exponent decimals is $amountMinor minor units', ({ input, exponent, amountMinor }) => {
    expect(parseAmount(input, exponent)).toEqual({ amountMinor });
  });

  it.each([
    { input: '0', exponent: 2 },
    { input: '0.00', exponent: 2 },
    { input: 0, exponent: 0 },
    { input: '1000000000000.00', exponent: 2 },
    { input: '100000000000000', exponent: 0 },
    { input: 100_000_000_000_000, exponent: 0 },
    // Above 2^53 Number() would round before it is compared.
    { input: '9007199254740993', exponent: 0 },
    { input: '9'.repeat(400), exponent: 2 },
  ])('INV-04: $input with $exponent decimals is out of range', ({ input, exponent }) => {
    expect(parseAmount(input, exponent)).toEqual({ error: 'out_of_range' });
  });

  it.each([
    { input: '1.5', exponent: 0 },
    { input: '1.0', exponent: 0 },
    { input: '1.234', exponent: 2 },
    { input: '1.230', exponent: 2 },
    { input: 1.234, exponent: 2 },
    { input: '1.2345', exponent: 3 },
  ])('INV-04: $input has too many decimals for $exponent, and is not rounded', ({ input, exponent }) => {
    expect(parseAmount(input, exponent)).toEqual({ error: 'too_many_decimals' });
  });

  it.each([
    { what: 'nothing', input: '' },
    { what: 'exponent form', input: '1e3' },
    { what: 'exponent form', input: '1E+3' },
    { what: 'a JSON number that is written with an exponent', input: 1e21 },
    { what: 'a JSON number that is written with an exponent', input: 1e-7 },
    { what: 'a minus', input: '-1.00' },
    { what: 'a minus', input: -1 },
    { what: 'a plus', input: '+1.00' },
    { what: 'a leading zero', input: '01.00' },
    { what: 'a leading zero', input: '00.10' },
    { what: 'nothing before the point', input: '.50' },
    { what: 'nothing after the point', input: '1.' },
    { what: 'two points', input: '1.0.0' },
    { what: 'a decimal comma', input: '1,50' },
    { what: 'thousands separators', input: '1,200.00' },
    { what: 'a space', input: ' 1.00' },
    { what: 'a line break at the end', input: '1.00\n' },
    { what: 'hexadecimal', input: '0x10' },
    { what: 'digits of another script', input: '١٢' },
    { what: 'no number', input: Number.NaN },
    { what: 'infinity', input: Number.POSITIVE_INFINITY },
  ])('INV-04: $what is refused ($input)', ({ input }) => {
    expect(parseAmount(input, 2)).toEqual({ error: 'not_a_decimal' });
  });
});

describe('formatAmount', () => {
  it.each([
    { amountMinor: 120_000, currency: 'EUR', text: '1200.00' },
    { amountMinor: 1, currency: 'EUR', text: '0.01' },
    { amountMinor: 0, currency: 'EUR', text: '0.00' },
    { amountMinor: 0, currency: 'JPY', text: '0' },
    { amountMinor: 1200, currency: 'JPY', text: '1200' },
    { amountMinor: 1, currency: 'KWD', text: '0.001' },
    { amountMinor: AMOUNT_MAX_MINOR, currency: 'EUR', text: '999999999999.99' },
  ])('writes $amountMinor $currency as $text', ({ amountMinor, currency, text }) => {
    expect(formatAmount(amountMinor, currency)).toBe(text);
  });

  it.each(currencies)('INV-04: what is written in $currency is read back unchanged', ({ currency, exponent }) => {
    fc.assert(
      fc.property(amountsMinor, (amountMinor) => {
        const text = formatAmount(amountMinor, currency);
        expect(parseAmount(text, exponent)).toEqual({ amountMinor });
        expect(text.split('.')[1]?.length ?? 0).toBe(exponent);
      }),
    );
  });

  // A caller may send a JSON number; the double nearest to an allowed amount must not become a neighbour of it.
  it.each(currencies)('INV-04: as a JSON number, too, in $currency', ({ currency, exponent }) => {
    fc.assert(
      fc.property(amountsMinor, (amountMinor) => {
        const number = JSON.parse(formatAmount(amountMinor, currency)) as number;
        expect(parseAmount(number, exponent)).toEqual({ amountMinor });
      }),
    );
  });
});
