import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDate, isInstant, yearsBefore } from '../../values/dates.ts';

const DAY_MS = 86_400_000;

describe('dates', () => {
  it.each(['0001-01-01', '2028-02-29', '2026-12-31', '9999-12-31'])('INV-04: %s is a date', (text) => {
    expect(isDate(text)).toBe(true);
  });

  it.each([
    '0000-01-01',
    '2026-02-29',
    '2026-02-31',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '+002026-01-01',
    '2026-01-01T00:00:00Z',
    '2026-01-01\n',
    '٢٠٢٦-٠١-٠١',
    '',
  ])('INV-04: %j is none', (text) => {
    expect(isDate(text)).toBe(false);
  });

  it('INV-04: a date is what a calendar has', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (day) => {
        expect(isDate(day.toISOString().slice(0, 10))).toBe(true);
      }),
    );
  });
});

describe('instants', () => {
  it.each([
    '2030-01-31T12:00:00Z',
    '2030-01-31T12:00:00.123456789Z',
    '2030-01-31T23:59:59+23:59',
    '2030-01-31T00:00:00-12:00',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
  ])('INV-40: %s is an instant', (text) => {
    expect(isInstant(text)).toBe(true);
  });

  it.each([
    '2026-02-31T00:00:00Z',
    '2026-02-29T00:00:00+01:00',
    '2030-01-31T24:00:00Z',
    '2030-01-31T12:60:00Z',
    '2030-01-31T23:59:60Z',
    '2030-01-31T12:00:00+24:00',
    '2030-01-31T12:00:00+12:60',
    '2030-01-31T12:00:00+1200',
    '2030-01-31T12:00:00',
    '2030-01-31T12:00Z',
    '2030-01-31t12:00:00z',
    '2030-01-31 12:00:00Z',
    '2030-01-31',
    '0000-12-31T23:00:00Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '',
  ])('INV-40: %j is none', (text) => {
    expect(isInstant(text)).toBe(false);
  });

  it('INV-40: an instant is one that can be written again, whatever its offset', () => {
    const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
    const parts = fc.tuple(fc.integer({ min: 0, max: 10_000 * 366 }), two(24), two(60), fc.constantFrom('Z', '+', '-'));
    fc.assert(
      fc.property(parts, two(24), two(60), ([day, hour, minute, sign], offsetHour, offsetMinute) => {
        const date = new Date(Date.parse('0001-01-01') + day * DAY_MS).toISOString().slice(0, 10);
        const offset = sign === 'Z' ? sign : `${sign}${offsetHour}:${offsetMinute}`;
        const text = `${date}T${hour}:${minute}:00${offset}`;
        fc.pre(isInstant(text));
        expect(new Date(text).toISOString()).toMatch(/^(?!0000)\d{4}-/);
      }),
    );
  });
});

it.each([
  ['2026-11-26', '2016-11-26'],
  ['2028-02-29', '2018-02-29'], // no day of a calendar, and all the same between two that are
  ['0015-01-01', '0005-01-01'],
])('INV-40: ten years before %s is %s', (date, before) => {
  expect(yearsBefore(date, 10)).toBe(before);
});
