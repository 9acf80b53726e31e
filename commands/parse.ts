/** Parsing what comes from outside: zod's issues as field errors, all of them at once. */
import { isLosslessNumber } from 'lossless-json';
import type { z } from 'zod';
import type { FieldError } from './refusal.ts';

export type Parsed<T> = { data: T } | { errors: FieldError[] };

/** The parsed value, or every fault of it. */
export function parseFields<T extends z.ZodType>(schema: T, value: unknown): Parsed<z.output<T>> {
  const parsed = schema.safeParse(value, { reportInput: true, error: ofNumbers });
  return parsed.success ? { data: parsed.data } : { errors: parsed.error.issues.flatMap(fieldErrors) };
}

/** A number that was kept as it was sent is an object to zod, and a number to the caller. */
const ofNumbers: z.core.$ZodErrorMap = ({ code, input, ...issue }) =>
  code === 'invalid_type' && isLosslessNumber(input) ? mustNotBeNumber(String(issue['expected'])) : undefined;
const mustNotBeNumber = (expected: string): string => `Invalid input: expected ${expected}, received number`;

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys' && isLosslessNumber(issue.input))
    return [{ path: at, code: 'invalid_type', message: mustNotBeNumber('object') }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...issue.path, key].join('.'),
        code: 'unknown_member',
        message: 'is not a member of this request',
      }));
    case 'invalid_type':
    case 'invalid_union':
      return [{ path: at, code: issue.input === undefined ? 'required' : 'invalid_type', message: issue.message }];
    case 'custom':
      return [{ path: at, code: String(issue.params?.['code'] ?? 'invalid'), message: issue.message }];
    default:
      return [{ path: at, code: issue.code, message: issue.message }];
  }
}
