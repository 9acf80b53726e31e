import type { z } from 'zod';
import { parseFields } from '../commands/parse.ts';
import { type FieldError, type Refusal, invalidFields } from '../commands/refusal.ts';
import { uuidIn } from '../values/text.ts';
import { problemOf } from './problems.ts';
import type { Call } from './route.ts';

/** The parsed value; throws a 422 problem that lists every fault. `more` adds what a schema cannot know. */
export function parseOrRefuse<T extends z.ZodType>(schema: T, value: unknown, more: FieldError[] = []): z.output<T> {
  const parsed = parseFields(schema, value);
  if ('data' in parsed) return parsed.data;
  throw problemOf(invalidFields([...parsed.errors, ...more]));
}

/** The id in the path; throws a 404 problem when it is no UUID, so that it cannot be told from one that nobody has. */
export function idOrNotFound({ params }: Call, notFound: (id: string) => Refusal): string {
  const id = uuidIn(params['id']);
  if (!id) throw problemOf(notFound(params['id'] ?? ''));
  return id;
}
