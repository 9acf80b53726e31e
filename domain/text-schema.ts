/** Text from outside: trimmed, of a given length, and without characters that Postgres or Kafka would not keep. */
import { z } from 'zod';

// Control characters and lone surrogates: Postgres refuses the first of them (NUL), UTF-8 cannot hold the latter.
const ONE_LINE = /^[^\p{Cc}\p{Cs}]*$/u;
const MANY_LINES = /^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u;

const text = (pattern: RegExp, min: number, max: number) =>
  z.string().trim().min(min).max(max).regex(pattern, 'must not contain control characters');

export const oneLine = (min: number, max: number) => text(ONE_LINE, min, max);
export const manyLines = (min: number, max: number) => text(MANY_LINES, min, max);
