import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cursorOf, positionOf } from '../../api/cursor.ts';
import { Problem } from '../../api/problems.ts';

const position = z.tuple([z.string(), z.guid()]);
const id = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function errorsOf(cursor: string): unknown {
  try {
    return positionOf('/v1/invoices', position, cursor);
  } catch (error) {
    if (error instanceof Problem) return error.members['errors'];
    throw error;
  }
}

describe('INV-11, CSH-02, CSH-05: a cursor', () => {
  it('names the position at which a page ended, to the list that gave it', () => {
    const cursor = cursorOf('/v1/invoices', 'Kasse Süd', id);
    expect(positionOf('/v1/invoices', position, cursor)).toEqual(['Kasse Süd', id]);
    expect(positionOf('/v1/invoices', position, undefined)).toBeNull();
  });

  // Positions of two lists may look alike; taken by the other list, one would give a page that means nothing.
  it.each([
    ['another list', cursorOf('/v1/cashiers', 'a', id)],
    ['the payments of another cashier', cursorOf('/v1/cashiers/1/payments', 'a', id)],
    ['no list', encoded({ position: ['a', id] })],
    ['a position of another shape', cursorOf('/v1/invoices', 'a')],
    ['null', encoded(null)],
    ['what is no JSON', 'nonsense'],
    ['nothing', ''],
  ])('of %s is refused', (_what, cursor) => {
    expect(errorsOf(cursor)).toMatchObject([{ path: 'cursor', code: 'invalid_cursor' }]);
  });

  it('of the version before, which named no list, is still taken', () => {
    expect(positionOf('/v1/invoices', position, encoded(['a', id]))).toEqual(['a', id]);
  });
});
