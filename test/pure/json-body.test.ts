/** The body of a request: what is read, and what is refused before anything looks at it. */
import { type LosslessNumber, isLosslessNumber } from 'lossless-json';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setLimitsSchema } from '../../access/limits.ts';
import { jsonOf } from '../../api/json-body.ts';
import { Problem } from '../../api/problems.ts';
import { parseOrRefuse } from '../../api/validation.ts';
import { groupSchema } from '../../dead-letters/schemas.ts';
import { createInvoiceSchema } from '../support/bodies.ts';

const read = (text: string) => jsonOf(Buffer.from(text));
const refused = { code: 'malformed_request' };

function problemBy(action: () => unknown): Problem {
  try {
    action();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('Expected a problem');
}
const errorsOf = (schema: z.ZodType, text: string) =>
  problemBy(() => parseOrRefuse(schema, read(text))).members['errors'];

describe('bytes', () => {
  it.each([
    ['bytes of Latin-1', [0x7b, 0xe9, 0x7d]],
    ['a character cut off', [0x7b, 0x22, 0xe2, 0x82]],
    ['half a surrogate pair', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['more bytes than a character needs', [0xc0, 0xaf]],
  ])('INV-05: %s are no UTF-8', (_what, bytes) => {
    expect(problemBy(() => jsonOf(Uint8Array.from(bytes)))).toMatchObject(refused);
    expect(read('{"name":"Café 👍"}')).toEqual({ name: 'Café 👍' });
  });

  it('INV-05: a byte order mark is passed over, and an empty body is an empty object', () => {
    expect(read('\uFEFF{"a":1}')).toEqual({ a: 1 });
    expect(read('')).toEqual({});
  });
});

describe('JSON', () => {
  it.each([
    '{"a":"',
    '{"a":',
    '{',
    '[1,]',
    '{"a":1}x',
    '"text"',
    '7',
    '1.0',
    'null',
    'NaN',
    '{"a":01}',
    "{'a':1}",
    ' ',
  ])('INV-05: %j is none that a request can have', (text) => {
    expect(problemBy(() => read(text))).toMatchObject(refused);
  });

  it.each(['[', '{"a":', '[{"a":'])('INV-05: %s, nested without end, is refused', (piece) => {
    expect(problemBy(() => read(piece.repeat(200_000)))).toMatchObject(refused);
  });

  it('INV-05: the last of two members with one name counts', () => {
    expect(read('{"a":1,"a":{"b":2}}')).toEqual({ a: { b: 2 } });
  });

  it('INV-05: __proto__ and constructor are members like others', () => {
    const body = read('{"__proto__":{"name":"x"},"constructor":{"prototype":{"name":"x"}}}') as Record<string, unknown>;
    expect(Object.keys(body)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['name']).toBeUndefined();
  });
});

describe('numbers', () => {
  it.each(['0', '1', '12.5', '-1', '1200', '999999999999.99', '1e+21'])(
    'INV-04: %s is a number of JavaScript',
    (digits) => {
      expect(read(`[${digits}]`)).toEqual([Number(digits)]);
    },
  );

  it.each(['19.999999999999999', '1e2', '1200.00', '-0', '1E400', '0.1e-7', '9007199254740993'])(
    'INV-04: %s stays as it was sent',
    (digits) => {
      const [value] = read(`[${digits}]`) as LosslessNumber[];
      expect(isLosslessNumber(value) && value.value).toBe(digits);
    },
  );

  it.each(['7', '1.0', '1e2'])('INV-05: where a text, an object or a boolean must be, %s is a number', (digits) => {
    const invoice = `{"name":${digits},"amount":"1.00","currency":${digits},"cashierId":${digits}}`;
    expect(errorsOf(createInvoiceSchema, invoice)).toEqual(
      ['name', 'currency', 'cashierId'].map((path) => ({
        path,
        code: 'invalid_type',
        message: 'Invalid input: expected string, received number',
      })),
    );
    expect(errorsOf(groupSchema, `{"reason":"x","filter":${digits}}`)).toContainEqual({
      path: 'filter',
      code: 'invalid_type',
      message: 'Invalid input: expected object, received number',
    });
    expect(errorsOf(z.strictObject({ dryRun: z.boolean() }), `{"dryRun":${digits}}`)).toEqual([
      { path: 'dryRun', code: 'invalid_type', message: 'Invalid input: expected boolean, received number' },
    ]);
  });
});

describe('a whole number in a body', () => {
  const limitOf = (digits: string) => {
    const body = read(`{"requestsPerSecond": ${digits}, "commandsAtOnce": null}`);
    const { success, data, error } = setLimitsSchema.safeParse(body);
    return success ? data.requestsPerSecond : error.issues.map(({ message }) => message);
  };

  // JSON Schema calls them integers, and some languages write every number so.
  it.each([
    ['377', 377],
    ['377.0', 377],
    ['377.00', 377],
    ['1e3', 1000],
  ])('is taken when it is written %s', (digits, value) => {
    expect(limitOf(digits)).toBe(value);
  });

  // Read as a float, the last of them would be 20.
  it.each(['377.5', '19.999999999999999999'])('is not %s', (digits) => {
    expect(limitOf(digits)).toEqual(['must be a whole number']);
  });

  it('has its limits', () => {
    expect(limitOf('0')).toHaveLength(1);
    expect(limitOf('1000001')).toHaveLength(1);
    expect(limitOf('"5"')).toEqual(['must be a whole number']);
  });
});
