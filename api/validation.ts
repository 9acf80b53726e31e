import type { z } from 'zod';
import { parseFields } from '../commands/parse.ts';
import { type FieldError, invalidFields } from '../commands/refusal.ts';
import { problemOf } from './problems.ts';

/** The parsed value; throws a 422 problem that lists every fault. `more` adds what a schema cannot know. */
export function parseOrRefuse<T extends z.ZodType>(schema: T, value: unknown, more: FieldError[] = []): z.output<T> {
  const parsed = parseFields(schema, value);
  if ('data' in parsed) return parsed.data;
  throw problemOf(invalidFields([...parsed.errors, ...more]));
}
