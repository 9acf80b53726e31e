import { manyLines, oneLine } from '../../values/schema.ts';
import { describe, expect, it } from 'vitest';
import { MANY_LINES, ONE_LINE, codePoints, textFaults, trimmed } from '../../values/text.ts';

describe('trimmed', () => {
  it.each([
    ['spaces', '  a b \t\r\n', 'a b'],
    ['spaces of other scripts', '\u3000a\u00A0', 'a'],
    ['zero-width spaces', '\u200Ba\u200B\uFEFF', 'a'],
    ['format characters', '\u202Ea\u2066\u00AD', 'a'],
    ['the blank of braille', '\u2800a\u2800', 'a'],
    ['the fillers of Hangul', '\u3164\u115Fa\uFFA0', 'a'],
    ['annotations', '\uFFF9a\uFFFB', 'a'],
    ['tags and selectors that follow nothing', '\uFE0F\u{E0067}a', 'a'],
    ['nothing but what is not seen', '\u200B \u200D\u{E0100}\uFE0F', ''],
  ])('INV-04: takes off %s', (_what, text, rest) => {
    expect(trimmed(text)).toBe(rest);
  });

  it.each([
    ['a heart that is to be in colour', '\u2764\uFE0F'],
    ['a flag that tags spell', '\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}'],
    ['a family, joined by what is not seen', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}'],
    ['a space in the middle', 'a\u200Bb'],
    ['an Arabic sign of numbers, which is seen', '\u0600\u0661'],
    ['a character beyond sixteen bits', '\u{1D400}'],
  ])('INV-04: leaves %s', (_what, text) => {
    expect(trimmed(text)).toBe(text);
  });
});

describe('textFaults', () => {
  it.each([
    ['a'.repeat(100), []],
    [`${'a'.repeat(99)}👍`, []],
    ['👍'.repeat(100), []],
    ['a'.repeat(101), ['too_big']],
    [`${'a'.repeat(100)}👍`, ['too_big']],
    ['👍', ['too_small']],
    ['👍\uFE0F', ['too_small']],
    ['a\u200B\u200Bb', []],
    ['', ['too_small']],
    ['a\u0000b', ['invalid_format']],
    ['\uD83D', ['too_small', 'invalid_format']],
  ])('INV-04: of %j, 2 to 100 characters: %j', (text, faults) => {
    expect(textFaults(text, ONE_LINE, [2, 100])).toEqual(faults);
  });

  it('INV-30: lines may break where there may be many', () => {
    expect(textFaults('a\n\tb', MANY_LINES, [1, 10])).toEqual([]);
    expect(textFaults('a\n\tb', ONE_LINE, [1, 10])).toEqual(['invalid_format']);
  });

  it('INV-04: a character is a code point, a lone half of a pair too', () => {
    expect(['', 'ab', '👍', '\uD83D', 'a\uDC4D👍'].map(codePoints)).toEqual([0, 2, 1, 1, 3]);
  });
});

describe('the schemas of texts', () => {
  it('INV-04: publish their lengths, and no pattern that only some can read', () => {
    for (const schema of [oneLine(2, 100), manyLines(2, 100)]) {
      expect(schema.meta()).toMatchObject({ minLength: 2, maxLength: 100 });
      expect(schema.toJSONSchema()).toEqual({
        $schema: expect.any(String),
        type: 'string',
        minLength: 2,
        maxLength: 100,
      });
    }
  });

  it('INV-05: name every fault once, by codes that stay', () => {
    const codes = (text: string) =>
      oneLine(2, 5)
        .safeParse(text)
        .error?.issues.map(({ code }) => code);
    expect(codes('a')).toEqual(['too_small']);
    expect(codes('\u200B\u200B\u200B')).toEqual(['too_small']);
    expect(codes('👍👍👍👍👍👍')).toEqual(['too_big']);
    expect(codes('a\u0007')).toEqual(['invalid_format']);
    expect(codes('\u0007')).toEqual(['too_small', 'invalid_format']);
    expect(codes(' 👍👍👍👍👍 ')).toBeUndefined();
  });
});
