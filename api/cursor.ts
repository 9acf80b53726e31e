/**
 * Where a page of a list ends, as callers carry it from page to page. Opaque to them; it says which list it is of, and
 * holds no tenant, which always comes from the identity. It comes back from outside, so the schema must refuse whatever
 * Postgres would not take.
 */
import { z } from 'zod';
import { invalidFields } from '../commands/refusal.ts';
import { problemOf } from './problems.ts';

/** `list` is the path of the list: the payments of another cashier are another list. */
export const cursorOf = (list: string, ...position: readonly string[]): string =>
  Buffer.from(JSON.stringify({ list, position })).toString('base64url');

/** The position that a cursor of this list names; null without one, which is the beginning. `member` is where it came. */
export function positionOf<T extends z.ZodType>(
  list: string,
  schema: T,
  cursor: string | undefined,
  member = 'cursor',
): z.output<T> | null {
  if (cursor === undefined) return null;
  const position = schema.safeParse(positionIn(list, decoded(cursor)));
  if (position.success) return position.data;
  const errors = [
    { path: member, code: 'invalid_cursor', message: 'must be the nextCursor of an earlier page of this list' },
  ];
  throw problemOf(invalidFields(errors));
}

/** The position in the cursor of a list; undefined when it is another list's. */
function positionIn(list: string, cursor: unknown): unknown {
  const named = z.object({ list: z.literal(list), position: z.unknown() }).safeParse(cursor);
  if (named.success) return named.data.position;
  // Before cursors named their list they were the bare position. Remove when none of them can be under way any more.
  return Array.isArray(cursor) ? cursor : undefined;
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
