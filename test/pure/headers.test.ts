import { describe, expect, it } from 'vitest';
import { etag, expectedVersion, headerText, idempotencyKey } from '../../api/headers.ts';
import { Problem } from '../../api/problems.ts';

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  throw new Error('Expected a problem');
}

describe('Idempotency-Key', () => {
  it.each(['k', 'order-4711', '"quoted"', '!~', '0'.repeat(255)])('INV-03: %s is taken as it is', (header) => {
    expect(idempotencyKey(header)).toBe(header);
  });

  it('INV-03: without the header every request has a key of its own', () => {
    const keys = Array.from({ length: 100 }, () => idempotencyKey(undefined));
    expect(new Set(keys).size).toBe(100);
    expect(keys.map(idempotencyKey)).toEqual(keys);
  });

  // An empty key taken as "none" would let a caller believe that its retries are safe.
  it.each([
    { what: 'nothing', header: '' },
    { what: 'a space', header: 'a b' },
    { what: 'the header twice, as Node joins it', header: 'a, b' },
    { what: 'a space at the end', header: 'a ' },
    { what: 'a line break', header: 'a\n' },
    { what: 'NUL', header: 'a\u0000' },
    { what: 'DEL', header: 'a\u007F' },
    { what: 'other than ASCII', header: 'schlüssel' },
    { what: '256 characters', header: '0'.repeat(256) },
  ])('INV-03: $what is refused', ({ header }) => {
    expect(codeOf(() => idempotencyKey(header))).toBe('invalid_header');
  });
});

describe('If-Match', () => {
  it.each([
    { header: '"1"', version: 1 },
    { header: ' "42" ', version: 42 },
    { header: '"999999999"', version: 999_999_999 },
  ])('INV-31: $header expects version $version', ({ header, version }) => {
    expect(expectedVersion(header)).toBe(version);
  });

  it.each([undefined, '*', ' * '])('INV-31: %s expects no version', (header) => {
    expect(expectedVersion(header)).toBeNull();
  });

  // Ignored instead of refused, a header that is not understood would let a lost update through.
  it.each([
    '',
    '1',
    '"1',
    "'1'",
    'W/"1"',
    '"0"',
    '"01"',
    '"-1"',
    '"1.0"',
    '"1e3"',
    '"one"',
    '"1", "2"',
    '"1" "2"',
    '"1234567890"',
  ])('INV-31: %j is refused', (header) => {
    expect(codeOf(() => expectedVersion(header))).toBe('invalid_header');
  });

  it.each([1, 2, 10, 123_456])('INV-31: the ETag of version %i is a version to expect', (version) => {
    expect(expectedVersion(etag(version))).toBe(version);
  });
});

describe('INV-12: text in a header', () => {
  /** As Node gives the bytes of a header. */
  const asNode = (text: string, encoding: BufferEncoding) => Buffer.from(text, encoding).toString('latin1');

  it.each(['José', 'Zoë Müller', '李小龙', 'ann 👍', 'ann', '', '\uFEFFann'])(
    '%j in UTF-8 is read as it was written',
    (text) => {
      expect(headerText(asNode(text, 'utf8'))).toBe(text);
    },
  );

  it.each(['José', 'Zoë Müller', 'é'])('%j in Latin-1, as fetch sends it, is read as it was written', (text) => {
    expect(headerText(asNode(text, 'latin1'))).toBe(text);
  });

  it('what is no UTF-8 to its end is Latin-1', () => {
    expect(headerText('Jos\u00c3')).toBe('Jos\u00c3');
    expect(headerText(undefined)).toBeUndefined();
  });
});
