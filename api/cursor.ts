/**
 * Where a page of a list ends, as callers carry it from page to page. Opaque to them; it holds no tenant, which always
 * comes from the identity. It comes back from outside, so the schema must refuse whatever Postgres would not take.
 */
import type { z } from 'zod';
import { Problem } from './problems.ts';

export const cursorOf = (...position: readonly string[]): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** The position that a cursor names; null without one, which is the beginning. */
export function positionOf<T extends z.ZodType>(schema: T, cursor: string | undefined): z.output<T> | null {
  if (cursor === undefined) return null;
  const position = schema.safeParse(decoded(cursor));
  if (position.success) return position.data;
  const errors = [{ path: 'cursor', code: 'invalid_cursor', message: 'must be the nextCursor of an earlier page' }];
  throw new Problem('validation_failed', 'The request has fields that are not valid.', { errors });
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
