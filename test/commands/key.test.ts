import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, newAttemptId, storedKey } from '../../commands/key.ts';
import { invoiceIdOf } from '../../invoices/id.ts';

const TENANT = '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01';
const OTHER_TENANT = '11111111-1111-4111-8111-111111111111';

describe('stored key', () => {
  it('INV-03: the same parts make the same key, of one length and without what the caller sent', () => {
    const key = storedKey('rest', TENANT, 'my secret order number');
    expect(storedKey('rest', TENANT, 'my secret order number')).toBe(key);
    expect(key).toMatch(/^rest:[0-9a-f]{64}$/);
    expect(storedKey('rest', TENANT, 'x'.repeat(255))).toHaveLength(key.length);
  });

  // Joined without their lengths, one caller's key could run into another's: a stranger's answer would come back.
  it.each([
    { one: ['ab', 'c'], other: ['a', 'bc'] },
    { one: ['a', ''], other: ['', 'a'] },
    { one: ['a'], other: ['a', ''] },
    { one: ['1:a', 'b'], other: ['1', 'a1:b'] },
    { one: ['a1:b'], other: ['a', 'b'] },
    { one: ['ä'], other: ['a\u0308'] },
    { one: ['a', 'b'], other: ['b', 'a'] },
    { one: [TENANT, 'k'], other: [OTHER_TENANT, 'k'] },
  ])('INV-03, TEN-02: $one and $other differ', ({ one, other }) => {
    expect(storedKey('rest', ...one)).not.toBe(storedKey('rest', ...other));
  });

  it('INV-03: any two lists of parts that differ have different keys', () => {
    const parts = fc.array(fc.string({ unit: fc.constantFrom('a', '1', ':', 'ä'), maxLength: 3 }), { maxLength: 3 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(storedKey('rest', ...one) === storedKey('rest', ...other)).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it('PAY-03: a caller cannot make the key of an event', () => {
    expect(storedKey('rest', TENANT, 'k')).not.toBe(storedKey('event', TENANT, 'k'));
  });
});

describe('fingerprint', () => {
  const request = {
    method: 'post',
    route: '/v1/invoices',
    ifMatch: null,
    body: { name: 'Hosting', nested: { a: 1, b: [1, 2] } },
  };

  it('INV-03: the order of members does not count, at any depth', () => {
    const body = { nested: { b: [1, 2], a: 1 }, name: 'Hosting' };
    expect(fingerprintOf({ ...request, body })).toBe(fingerprintOf(request));
  });

  it.each([
    { what: 'method', other: { method: 'patch' } },
    { what: 'route', other: { route: '/v1/invoices/1' } },
    { what: 'expected version', other: { ifMatch: 1 } },
    { what: 'value', other: { body: { ...request.body, name: 'Backup' } } },
    { what: 'type of a value', other: { body: { ...request.body, nested: { a: '1', b: [1, 2] } } } },
    { what: 'order in an array', other: { body: { ...request.body, nested: { a: 1, b: [2, 1] } } } },
    { what: 'member more', other: { body: { ...request.body, more: null } } },
    { what: 'body that is absent', other: { body: undefined } },
    { what: 'body that is empty', other: { body: {} } },
  ])('INV-03: another $what makes another request', ({ other }) => {
    expect(fingerprintOf({ ...request, ...other })).not.toBe(fingerprintOf(request));
  });

  it('INV-03: no body is the same request each time', () => {
    expect(fingerprintOf({ ...request, body: undefined })).toBe(fingerprintOf({ ...request, body: undefined }));
  });
});

describe('invoice id', () => {
  // A retry of a create must reach the invoice, and the workflow, of the first try.
  it('INV-03: the same tenant and key give the same id, on any day and machine', () => {
    expect(invoiceIdOf(TENANT, 'rest:5f2c')).toBe('de800a56-ce1d-56a3-9ad7-380f4dd05b7f');
  });

  it('INV-03, TEN-02: another key or tenant gives another id', () => {
    const id = invoiceIdOf(TENANT, 'rest:5f2c');
    expect(invoiceIdOf(TENANT, 'rest:5f2d')).not.toBe(id);
    expect(invoiceIdOf(OTHER_TENANT, 'rest:5f2c')).not.toBe(id);
  });
});

describe('attempt id', () => {
  // The newest attempt of a key decides what is told; within one millisecond, too.
  it('INV-06: a later one is greater, and none comes twice', () => {
    const ids = Array.from({ length: 10_000 }, newAttemptId);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
