/** Values as nobody sends them on purpose: any Unicode, lengths near the limits, numbers near the ends, any JSON. */
import fc from 'fast-check';

/** Characters that one check may count or keep and another not. */
const oddities = [
  'aZ0 \n\t👍éıſﬁ',
  '\uFE0F\u200B\u200D\u2800\u3164\uFEFF\u00A0\u0301\u{E0041}',
  '\u0000\u0007\u007F\u0085\uFFFD\uD83D \uDC4D',
];
const oddCharacter = fc.constantFrom(...Array.from(oddities.join('')));
const units = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: units, maxLength: 8 }),
  fc.string({ unit: oddCharacter, maxLength: 8 }),
);

/** Texts about so many characters long; a letter or an emoji repeated, with something odd somewhere. */
export const textNear = (max: number): fc.Arbitrary<string> =>
  fc.oneof(
    anyText,
    fc
      .tuple(fc.constantFrom('a', '👍', 'a👍'), fc.integer({ min: -2, max: 2 }), anyText, fc.nat({ max: 2 }))
      .map(([piece, more, oddity, place]) => {
        const length = Math.max(0, max + more - (place === 2 ? 0 : Array.from(oddity).length));
        const filling = Array.from(piece.repeat(length)).slice(0, length).join('');
        return [oddity + filling, filling + oddity, filling][place] ?? filling;
      }),
  );

const digits = fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), minLength: 1, maxLength: 17 });
const decimals = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    digits,
    fc.constantFrom('', '.'),
    digits,
    fc.constantFrom('', '', '', 'e2', 'E-3'),
  )
  .map(([sign, whole, point, fraction, exponent]) =>
    [sign, whole.replace(/^0+(?=\d)/, ''), point, point && fraction.slice(0, 5), exponent].join(''),
  );

/** JSON texts of numbers, each a number in one of the forms that JSON has. */
export const numberText: fc.Arbitrary<string> = fc.oneof(
  decimals,
  fc.constantFrom('1', '1200.00', '999999999999.99', '99999999999999', '19.999999999999999', '1e2', '-0', '1e400'),
);

const asJson = (text: string): string => JSON.stringify(text);
export const jsonText: fc.Arbitrary<string> = fc.oneof(numberText, fc.json({ maxDepth: 2 }), anyText.map(asJson));

/** A member as JSON text: as it mostly is, and near that. */
export interface Member {
  usual: fc.Arbitrary<string>;
  odd: fc.Arbitrary<string>;
}
export const member = (usual: fc.Arbitrary<string>, ...odd: fc.Arbitrary<string>[]): Member => ({
  usual,
  odd: fc.oneof(usual, ...odd, jsonText, fc.constant('null')),
});
const oneOf = (...values: unknown[]) => fc.constantFrom(...values.map((value) => JSON.stringify(value)));

/** One in ten times. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(arbitrary) });

/** An object as JSON text, with one or two odd members; one may be missing, or all, and one may be unknown. */
export function objectText(members: Record<string, Member>, { allOptional = false } = {}): fc.Arbitrary<string> {
  const names = Object.keys(members);
  const of = (kind: keyof Member) =>
    fc.record(Object.fromEntries(Object.entries(members).map(([name, either]) => [name, either[kind]])));
  return fc
    .record({
      usual: of('usual'),
      odd: of('odd'),
      isOdd: fc.subarray(names, { maxLength: Math.min(2, names.length) }),
      isMissing: fc.subarray(names, { maxLength: allOptional ? names.length : Math.min(1, names.length) }),
      unknown: rarely(fc.tuple(anyText.map(asJson), jsonText).map((row) => row.join(':'))),
    })
    .map(({ usual, odd, isOdd, isMissing, unknown }) => {
      const rows = names
        .filter((name) => !isMissing.includes(name))
        .map((name) => `${asJson(name)}:${(isOdd.includes(name) ? odd : usual)[name]}`);
      return `{${[...rows, ...unknown].join(',')}}`;
    });
}

export const textMember = (max: number): Member => member(oneOf('Hosting', ' Hosting 👍 '), textNear(max).map(asJson));
export const emailMember: Member = member(
  oneOf('nord@example.com'),
  anyText.map((text) => asJson(`${text}@example.com`)),
);

/** Text as Node gives the bytes of a header. */
export const latin1 = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 105,
});

const amountDigits = fc
  .tuple(fc.integer({ min: 0, max: 1_000_000_000_001 }), fc.constantFrom('', '.0', '.00', '.99', '.000', '.0001'))
  .map(([whole, fraction]) => `${whole}${fraction}`);
export const amountMember = member(
  fc.constantFrom('"1200.00"', '1200', '"1200"', '1200.00'),
  amountDigits,
  amountDigits.map(asJson),
  numberText,
  numberText.map(asJson),
);
export const currencyMember = member(
  oneOf('EUR', 'eur', ' USD ', 'KWD'),
  oneOf('JPY', 'ISK', 'ıSK', 'ſEK', 'XXX', 'EU\u0000', 'EURO'),
);
export const uuidMember = member(
  fc.uuid().map(asJson),
  fc.uuid().map((text) => asJson(text.toUpperCase())),
  oneOf('00000000-0000-0000-0000-000000000000', 'me'),
);

const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
export const dateText: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('0000', '0001', '2024', '2026', '2030', '9999'), two(13), two(32))
  .map((parts) => parts.join('-'));
export const dateMember = member(oneOf('2030-01-31', '2028-02-29'), dateText.map(asJson));
const instantText: fc.Arbitrary<string> = fc
  .tuple(
    dateText,
    two(24),
    two(60),
    fc.constantFrom('', '.5', '.123456789'),
    fc.constantFrom('Z', '+02:00', '-23:59', ''),
  )
  .map(([date, hour, minute, fraction, offset]) => `${date}T${hour}:${minute}:00${fraction}${offset}`);
export const instantMember = member(oneOf('2026-11-01T10:00:00+02:00', null), instantText.map(asJson));
