/** The schemas of the kit, where a version has grown since its first events were recorded. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { readerSchema } from '../../clients/typescript/reader-schema.mjs';

const text = { type: 'string' };
const objectOf = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
});
const baseline = {
  ...objectOf({ invoice: { $ref: '#/$defs/Invoice' }, lines: { type: 'array', items: objectOf({ name: text }) } }),
  $defs: { Invoice: objectOf({ id: text, required: text }) },
};
const today = {
  ...objectOf({
    invoice: { $ref: '#/$defs/Invoice' },
    lines: { type: 'array', items: objectOf({ name: text, unit: text }) },
    payment: { anyOf: [{ $ref: '#/$defs/Payment' }, { type: 'null' }] },
  }),
  $defs: { Invoice: objectOf({ id: text, required: text, number: text }), Payment: objectOf({ amount: text }) },
};
const old = { invoice: { id: '1', required: 'yes' }, lines: [{ name: 'Hosting' }] };

it('an event of before a member was added is taken, wherever the member is, and one of today too', () => {
  const ajv = new Ajv2020();
  expect(ajv.validate(today, old)).toBe(false);
  const schema = readerSchema(today, baseline) as typeof today;
  const takes = (data: unknown) => ajv.validate(schema, data);
  expect(takes(old)).toBe(true);
  expect(takes({ ...old, lines: [{ name: 'Hosting', unit: 'h' }], payment: { amount: '1.00' } })).toBe(true);
  expect(schema.$defs.Payment.required).toEqual([]);
});

it('what was always required, and of which shape a member is, stays', () => {
  const ajv = new Ajv2020();
  const takes = (data: unknown) => ajv.validate(readerSchema(today, baseline) as object, data);
  expect(takes({ ...old, invoice: { id: '1' } })).toBe(false);
  expect(takes({ ...old, lines: [{}] })).toBe(false);
  expect(takes({ invoice: old.invoice })).toBe(false);
  expect(takes({ ...old, invoice: { ...old.invoice, number: 7 } })).toBe(false);
  expect(readerSchema(baseline, baseline)).toEqual(baseline);
});
