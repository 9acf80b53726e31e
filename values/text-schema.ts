/** Text from outside, as values/text.ts says it must be. Published are the lengths, which mean the same to everybody. */
import { z } from 'zod';
import { KEEPABLE, type Length, MANY_LINES, ONE_LINE, type TextFault, textFaults, trimmed } from './text.ts';

function issueOf(fault: TextFault, [min, max]: Length, input: string): z.core.$ZodRawIssue {
  switch (fault) {
    case 'too_small':
      return { code: fault, origin: 'string', minimum: min, inclusive: true, input };
    case 'too_big':
      return { code: fault, origin: 'string', maximum: max, inclusive: true, input };
    case 'invalid_format':
      return { code: fault, format: 'text', message: 'must not contain control characters', input };
  }
}

/** A pattern would be published, and not every reader of the document has these classes of characters. */
const kept = (schema: z.ZodString, allowed: RegExp, length: Length) =>
  schema
    .check(({ value, issues }) => {
      for (const fault of textFaults(value, allowed, length)) issues.push(issueOf(fault, length, value));
    })
    .meta({ ...(length[0] > 0 ? { minLength: length[0] } : {}), maxLength: length[1] });

const trimmedText = z.string().overwrite(trimmed);

export const oneLine = (min: number, max: number) => kept(trimmedText, ONE_LINE, [min, max]);
export const manyLines = (min: number, max: number) => kept(trimmedText, MANY_LINES, [min, max]);
/** As it came, spaces around it included: what is read again as JSON, or stood in the database. */
export const untrimmed = (min: number, max: number) => kept(z.string(), KEEPABLE, [min, max]);
