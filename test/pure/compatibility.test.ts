/** The checker of the contract: what breaks readers and senders, and what does not. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import fc from 'fast-check';
import { check_compat, initSync } from 'jsoncompat';
import { describe, expect, it } from 'vitest';
import { type Schema, differences } from '../../contract/compatibility.ts';
import { inWords } from '../../contract/words.ts';
import { atMost } from '../support/speed.ts';

const object = (properties: Record<string, Schema>, ...optional: string[]): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const closed = (properties: Record<string, Schema>, ...optional: string[]): Schema => ({
  ...(object(properties, ...optional) as object),
  additionalProperties: false,
});
const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer' };
const oneOf = (...values: unknown[]): Schema => ({ enum: values });
const either = (...anyOf: Schema[]): Schema => ({ anyOf });
const listOf = (items: Schema, more: object = {}): Schema => ({ type: 'array', items, ...more });
const nothing: Schema = { type: 'null' };

type Case = [what: string, writer: Schema, reader: Schema];

const breaking: readonly (readonly [...Case, at: string, kind: string])[] = [
  ['a member is gone', object({ a: text }), object({ a: text, b: text }), 'b', 'missing'],
  ['a member became optional', object({ a: text, b: text }, 'b'), object({ a: text, b: text }), 'b', 'optional'],
  [
    'a member within a member became optional',
    object({ p: object({ m: text }, 'm') }),
    object({ p: object({ m: text }) }),
    'p.m',
    'optional',
  ],
  ['a member has another name', object({ total: text }), object({ amount: text }), 'amount', 'missing'],
  ['a new member, and the reader closes', object({ a: text, b: text }), closed({ a: text }), 'b', 'unknown'],
  ['a text became a number', object({ a: count }), object({ a: text }), 'a', 'type'],
  ['a whole number became any number', object({ a: { type: 'number' } }), object({ a: count }), 'a', 'type'],
  ['it may be null', object({ a: either(text, nothing) }), object({ a: text }), 'a', 'type'],
  ['it may be null, as a list of types', object({ a: { type: ['string', 'null'] } }), object({ a: text }), 'a', 'type'],
  ['it may be anything', object({ a: {} }), object({ a: text }), 'a', 'type'],
  ['it may be anything, by true', object({ a: true }), object({ a: nothing }), 'a', 'type'],
  ['a list became one', object({ a: text }), object({ a: listOf(text) }), 'a', 'type'],
  ['items of another type', object({ a: listOf(count) }), object({ a: listOf(text) }), 'a[]', 'type'],
  [
    'items lost a member',
    object({ a: listOf(object({})) }),
    object({ a: listOf(object({ b: text })) }),
    'a[].b',
    'missing',
  ],
  ['items of any kind', object({ a: { type: 'array' } }), object({ a: listOf(text) }), 'a[]', 'type'],
  ['a new value', object({ a: oneOf('x', 'y') }), object({ a: oneOf('x') }), 'a', 'value'],
  ['any text in place of values', object({ a: text }), object({ a: oneOf('x') }), 'a', 'value'],
  ['another constant', object({ a: { const: 2 } }), object({ a: { const: 1 } }), 'a', 'value'],
  [
    'null among the values',
    object({ a: oneOf('x', null) }),
    object({ a: { type: 'string', enum: ['x'] } }),
    'a',
    'type',
  ],
  [
    'a smaller number',
    object({ a: { ...(count as object), minimum: 0 } }),
    object({ a: { ...(count as object), minimum: 1 } }),
    'a',
    'range',
  ],
  ['a larger number', object({ a: count }), object({ a: { ...(count as object), maximum: 9 } }), 'a', 'range'],
  [
    'the bound itself',
    object({ a: { type: 'number', minimum: 1 } }),
    object({ a: { type: 'number', exclusiveMinimum: 1 } }),
    'a',
    'range',
  ],
  [
    'steps in between',
    object({ a: { type: 'number' } }),
    object({ a: { type: 'number', multipleOf: 5 } }),
    'a',
    'range',
  ],
  ['a shorter text', object({ a: text }), object({ a: { type: 'string', minLength: 1 } }), 'a', 'range'],
  [
    'a longer text',
    object({ a: { type: 'string', maxLength: 9 } }),
    object({ a: { type: 'string', maxLength: 8 } }),
    'a',
    'range',
  ],
  [
    'another pattern',
    object({ a: { type: 'string', pattern: '^a' } }),
    object({ a: { type: 'string', pattern: '^b' } }),
    'a',
    'range',
  ],
  ['no format any more', object({ a: text }), object({ a: { type: 'string', format: 'date' } }), 'a', 'range'],
  [
    'no encoding any more',
    object({ a: text }),
    object({ a: { type: 'string', contentEncoding: 'base64' } }),
    'a',
    'range',
  ],
  ['more items', object({ a: listOf(text) }), object({ a: listOf(text, { maxItems: 3 }) }), 'a', 'range'],
  ['no member at all', object({}), { type: 'object', minProperties: 1 }, '', 'range'],
  ['more members', object({}), { type: 'object', maxProperties: 3 }, '', 'range'],
  ['items that repeat', object({ a: listOf(text) }), object({ a: listOf(text, { uniqueItems: true }) }), 'a', 'range'],
  [
    'a map of another type',
    { type: 'object', additionalProperties: count },
    { type: 'object', additionalProperties: text },
    '*',
    'type',
  ],
  ['a map where members were listed', { type: 'object', additionalProperties: true }, closed({}), '*', 'unknown'],
  ['one branch more', either(object({ a: text }), object({ b: text })), object({ a: text }), 'a', 'missing'],
  [
    'a definition has changed',
    { $ref: '#/$defs/M', $defs: { M: object({ a: count }) } },
    { $ref: '#/$defs/M', $defs: { M: object({ a: text }) } },
    'a',
    'type',
  ],
  ['a keyword that nobody compares', { ...(object({}) as object), dependentRequired: {} }, object({}), '', 'keyword'],
];

const compatible: readonly Case[] = [
  ['the same', object({ a: text }), object({ a: text })],
  ['a member that is always there', object({ a: text }), { type: 'object', minProperties: 1 }],
  ['a new member, and the reader is open', object({ a: text, b: text }), object({ a: text })],
  ['a new optional member', object({ a: text, b: text }, 'b'), object({ a: text })],
  ['an optional member is gone', object({ a: text }), object({ a: text, b: text }, 'b')],
  ['an optional member is always sent', object({ a: text }), object({ a: text }, 'a')],
  ['a new member within a member', object({ p: object({ m: text, n: text }) }), object({ p: object({ m: text }) })],
  ['whole numbers where any were', object({ a: count }), object({ a: { type: 'number' } })],
  ['never null any more', object({ a: text }), object({ a: either(text, nothing) })],
  [
    'null by a list of types or by a union',
    object({ a: { type: ['string', 'null'] } }),
    object({ a: either(text, nothing) }),
  ],
  [
    'the same by a union or by a list of types',
    object({ a: either(text, nothing) }),
    object({ a: { type: ['null', 'string'] } }),
  ],
  ['what was anything has a type', object({ a: text }), object({ a: {} })],
  ['what was anything has a type, by true', object({ a: text }), object({ a: true })],
  ['fewer values', object({ a: oneOf('x') }), object({ a: oneOf('x', 'y') })],
  ['values in another order', object({ a: oneOf('y', 'x') }), object({ a: oneOf('x', 'y') })],
  ['values where any text was', object({ a: oneOf('x', 'y') }), object({ a: text })],
  [
    'a new value where they were published as examples',
    object({ a: oneOf('x', 'y') }),
    object({ a: { type: 'string', examples: ['x'] } }),
  ],
  ['a constant among the values', object({ a: { const: 'x' } }), object({ a: oneOf('x', 'y') })],
  [
    'values within the bounds',
    object({ a: oneOf(2, 4) }),
    object({ a: { type: 'number', minimum: 2, maximum: 4, multipleOf: 2 } }),
  ],
  [
    'values that match the pattern',
    object({ a: oneOf('ab') }),
    object({ a: { type: 'string', pattern: '^a', minLength: 2 } }),
  ],
  [
    'narrower bounds',
    object({ a: { type: 'number', minimum: 2, maximum: 3 } }),
    object({ a: { type: 'number', minimum: 1, maximum: 3 } }),
  ],
  [
    'the bound itself left out',
    object({ a: { type: 'number', exclusiveMinimum: 1 } }),
    object({ a: { type: 'number', minimum: 1 } }),
  ],
  [
    'both leave the bound out',
    object({ a: { type: 'number', exclusiveMinimum: 1 } }),
    object({ a: { type: 'number', exclusiveMinimum: 1 } }),
  ],
  [
    'narrower lengths',
    object({ a: { type: 'string', minLength: 2, maxLength: 3 } }),
    object({ a: { type: 'string', minLength: 1 } }),
  ],
  ['a format where none was', object({ a: { type: 'string', format: 'date' } }), object({ a: text })],
  ['a pattern where none was', object({ a: { type: 'string', pattern: '^a' } }), object({ a: text })],
  [
    'fewer items',
    object({ a: listOf(text, { maxItems: 2, minItems: 1 }) }),
    object({ a: listOf(text, { maxItems: 3 }) }),
  ],
  [
    'items with a new member',
    object({ a: listOf(object({ b: text, c: text })) }),
    object({ a: listOf(object({ b: text })) }),
  ],
  ['a map of the same', { type: 'object', additionalProperties: text }, { type: 'object', additionalProperties: text }],
  ['listed members in place of a map', object({ a: text }), { type: 'object', additionalProperties: text }],
  ['one branch less', object({ a: text }), either(object({ a: text }), object({ b: text }))],
  ['branches in another order', either(object({ a: text }), nothing), either(nothing, object({ a: text }))],
  [
    'other words',
    { ...(object({ a: text }) as object), title: 'A', description: 'b', examples: [{ a: 'c' }] },
    object({ a: text }),
  ],
  [
    'a definition or the same written out',
    { $ref: '#/$defs/M', $defs: { M: object({ a: text }) } },
    object({ a: text }),
  ],
  [
    'a schema that names itself',
    { $ref: '#/$defs/T', $defs: { T: object({ t: { $ref: '#/$defs/T' } }, 't') } },
    { $ref: '#/$defs/T', $defs: { T: object({ t: { $ref: '#/$defs/T' } }, 't') } },
  ],
];

describe('MSG-05: what breaks who reads by the older schema is told, and where', () => {
  it.each(breaking)('%s', (_what, writer, reader, at, kind) => {
    expect(differences(writer, reader)).toContainEqual(expect.objectContaining({ at, kind }));
  });
});

describe('MSG-05: what breaks nobody is let through', () => {
  it.each(compatible)('%s', (_what, writer, reader) => {
    expect(differences(writer, reader)).toEqual([]);
  });
});

it('says what a person can act on', () => {
  const [sent] = differences(
    object({ payment: object({ method: text }, 'method') }),
    object({ payment: object({ method: text }) }),
  );
  expect(sent && inWords('InvoicePaid v1', 'sent', sent)).toBe(
    'InvoicePaid v1: `payment.method` became optional; old readers require it; publish a new version or keep it',
  );
  const [received] = differences(object({}), object({ invoiceId: text }));
  expect(received && inWords('PaymentReceived v1', 'received', received)).toBe(
    'PaymentReceived v1: `invoiceId` is required now; old senders do not know it; take both or publish a new version',
  );
});

/** A schema together with values that a writer of it sends. */
interface Sample {
  schema: Schema;
  values: fc.Arbitrary<unknown>;
}

const scalars = fc.oneof(
  fc.record({ minLength: fc.nat(2), more: fc.nat(3) }).map(({ minLength, more }): Sample => ({
    schema: { type: 'string', minLength, maxLength: minLength + more },
    values: fc.string({ minLength, maxLength: minLength + more, unit: fc.constantFrom('a', 'b') }),
  })),
  fc.record({ minimum: fc.integer({ min: -3, max: 3 }), more: fc.nat(3) }).map(({ minimum, more }): Sample => ({
    schema: { type: 'integer', minimum, maximum: minimum + more },
    values: fc.integer({ min: minimum, max: minimum + more }),
  })),
  fc.constant<Sample>({ schema: { type: 'number' }, values: fc.constantFrom(-1.5, 0, 2, 7.25) }),
  fc.constant<Sample>({ schema: nothing, values: fc.constant(null) }),
  fc.constant<Sample>({ schema: { type: 'boolean' }, values: fc.boolean() }),
  fc
    .uniqueArray(fc.constantFrom<unknown>('a', 'b', 'ab', 1, 2, null, true), { minLength: 1, maxLength: 4 })
    .map((values): Sample => ({ schema: oneOf(...values), values: fc.constantFrom(...values) })),
);

const { sample: samples } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalars,
    tie('sample').map(({ schema, values }): Sample => ({
      schema: { type: 'array', items: schema, maxItems: 3 },
      values: fc.array(values, { maxLength: 3 }),
    })),
    fc.tuple(tie('sample'), tie('sample')).map(([one, other]): Sample => ({
      schema: either(one.schema, other.schema),
      values: fc.oneof(one.values, other.values),
    })),
    fc
      .tuple(
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.tuple(tie('sample'), fc.boolean()), { maxKeys: 3 }),
        fc.boolean(),
      )
      .map(([members, isClosed]): Sample => {
        const entries = Object.entries(members);
        const schemas = Object.fromEntries(entries.map(([name, [{ schema }]]) => [name, schema]));
        const optional = entries.filter(([, [, isOptional]]) => isOptional).map(([name]) => name);
        return {
          schema: (isClosed ? closed : object)(schemas, ...optional),
          values: fc.record(Object.fromEntries(entries.map(([name, [{ values }]]) => [name, values])), {
            requiredKeys: entries.filter(([, [, isOptional]]) => !isOptional).map(([name]) => name),
          }),
        };
      }),
  ),
}));

it('MSG-05: where nothing is told, every value of the writer passes the reader', () => {
  const ajv = new Ajv2020({ strict: false });
  (ajvFormats as unknown as (on: Ajv2020) => void)(ajv);
  let silent = 0;
  fc.assert(
    fc.property(
      fc
        .tuple(samples, samples, fc.boolean())
        .chain(([one, other, isSame]) =>
          fc.tuple(
            fc.constant(one.schema),
            fc.constant(isSame ? one.schema : other.schema),
            fc.array(one.values, { minLength: 5, maxLength: 10 }),
          ),
        ),
      ([writer, reader, values]) => {
        if (differences(writer, reader).length > 0) return;
        silent += 1;
        const validate = ajv.compile(reader);
        for (const value of values) expect({ value, passes: validate(value) }).toEqual({ value, passes: true });
      },
    ),
    { numRuns: 2_000 },
  );
  expect(silent).toBeGreaterThan(500);
});

/** The writer as the oracle must see it: it sends the members that it names, and no others. */
function sealed(schema: Schema): Schema {
  if (typeof schema === 'boolean') return schema;
  const inside = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(inside)
      : typeof value === 'object' && value !== null
        ? sealed(value as Schema)
        : value;
  const { properties, items, anyOf, ...others } = schema;
  return {
    ...others,
    ...(properties
      ? {
          properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inside(one)])),
          additionalProperties: false,
        }
      : {}),
    ...(items ? { items: inside(items) } : {}),
    ...(anyOf ? { anyOf: inside(anyOf) } : {}),
  };
}

it.each(['writer', 'reader'] as const)('API-01: a union keeps its members, with those of the %s kept', (keeps) => {
  const union = either(closed({ a: text }), closed({ b: text, c: count }, 'c'));
  expect(differences(union, union, { keeps })).toEqual([]);
  expect(differences(union, either(closed({ a: text })), { keeps })).not.toEqual([]);
});

it('MSG-05: another checker, which answers only yes or no, lets the same through', () => {
  initSync({ module: readFileSync(fileURLToPath(import.meta.resolve('jsoncompat/jsoncompat_wasm_bg.wasm'))) });
  let [same, differently] = [0, 0];
  const wronglySilent: object[] = [];
  fc.assert(
    fc.property(samples, samples, fc.boolean(), ({ schema: writer }, { schema: other }, isSame) => {
      const reader = isSame ? writer : other;
      const isSilent = differences(writer, reader).length === 0;
      const isCompatible = check_compat(JSON.stringify(reader), JSON.stringify(sealed(writer)), 'serializer');
      if (isSilent && !isCompatible) wronglySilent.push({ writer, reader });
      if (isSilent === isCompatible) same += 1;
      else differently += 1;
    }),
    // It takes long over some schemas.
    { numRuns: 100, interruptAfterTimeLimit: atMost(8_000) },
  );
  expect(wronglySilent).toEqual([]);
  expect(same).toBeGreaterThan(20);
  // Where unions or values overlap more may be told than does harm.
  expect(differently).toBeLessThan(same / 10);
});
