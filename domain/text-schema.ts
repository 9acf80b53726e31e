/** Text from outside: trimmed, of a given length, and without characters that Postgres or Kafka would not keep. */
import { z } from 'zod';
import { MANY_LINES, ONE_LINE } from './text.ts';

const text = (pattern: RegExp, min: number, max: number) =>
  z.string().trim().min(min).max(max).regex(pattern, 'must not contain control characters');

export const oneLine = (min: number, max: number) => text(ONE_LINE, min, max);
export const manyLines = (min: number, max: number) => text(MANY_LINES, min, max);
