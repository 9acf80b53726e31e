/**
 * The schemas that every slice builds its own from. Published are lengths and formats, which mean the same to
 * everybody.
 *
 * They are functions: the definitions of steps are part of the workflow bundle, which has no zod. A schema is made when
 * it is asked for, and never in a workflow.
 */
import { isLosslessNumber, isSafeNumber } from 'lossless-json';
import { z } from 'zod';
import { EXISTING_DATE, EXISTING_INSTANT, isDate, isInstant } from './dates.ts';
import { CURRENCY_MESSAGE, currencyCode, exponentOf } from './money.ts';
import { STORABLE, type Length, MANY_LINES, ONE_LINE, type TextFault, textFaults, trimmed } from './text.ts';

const made = new WeakMap<() => z.ZodType, z.ZodType>();

/** The schema that a function makes, made once. */
export function schemaOf<S extends z.ZodType>(make: () => S): S {
  const known = made.get(make) as S | undefined;
  if (known) return known;
  const schema = make();
  made.set(make, schema);
  return schema;
}

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
const storable = (schema: z.ZodString, allowed: RegExp, length: Length) =>
  schema
    .check(({ value, issues }) => {
      for (const fault of textFaults(value, allowed, length)) issues.push(issueOf(fault, length, value));
    })
    .meta({ ...(length[0] > 0 ? { minLength: length[0] } : {}), maxLength: length[1] });

const trimmedText = () => z.string().overwrite(trimmed);

export const oneLine = (min: number, max: number) => storable(trimmedText(), ONE_LINE, [min, max]);
export const manyLines = (min: number, max: number) => storable(trimmedText(), MANY_LINES, [min, max]);
/** As it came, spaces around it included: what is read again as JSON, or stood in the database. */
export const untrimmed = (min: number, max: number) => storable(z.string(), STORABLE, [min, max]);

/** A number is judged by its digits as they were sent: read as a float, 19.999999999999999 would be 20. */
const digitsOf = (value: unknown): unknown => (isLosslessNumber(value) ? value.value : value);

/** An amount as callers write it; how many decimals it may have depends on the currency beside it. */
export const amount = () =>
  z.preprocess(digitsOf, z.union([z.string().overwrite(trimmed), z.number()])).meta({
    description: 'A decimal with at most the currency’s decimals; a string, or a JSON number',
    example: '1200.00',
  });

export const currency = () =>
  z
    .string()
    .overwrite((text) => currencyCode(trimmed(text)) ?? text)
    .refine((text) => exponentOf(text) !== undefined, {
      error: CURRENCY_MESSAGE,
      params: { code: 'unknown_currency' },
    })
    .meta({ description: 'ISO 4217 code', example: 'EUR' });

/** Text of which dates.ts says that it is right. What is checked further must not see anything else. */
const formatted = (format: 'date' | 'datetime', message: string, isRight: (text: string) => boolean) =>
  z.string().check(({ value, issues }) => {
    if (!isRight(value)) issues.push({ code: 'invalid_format', format, message, input: value });
  });

export const calendarDate = () =>
  formatted('date', `must be ${EXISTING_DATE}`, isDate).meta({ format: 'date', example: '2030-01-31' });

/** Read as UTC to the millisecond, whatever offset the sender has. */
export const instant = () =>
  formatted('datetime', `must be ${EXISTING_INSTANT}`, isInstant)
    .overwrite((text) => new Date(text).toISOString())
    .meta({ format: 'date-time', example: '2030-01-31T09:30:00Z' });

/** An instant in what goes out. */
export const instantOut = () => z.iso.datetime();

export const uuid = () => z.guid().toLowerCase();

const WHOLE = 'must be a whole number';

/** A JSON number without a fraction, however it is written: 377.0 is one, as JSON Schema says. */
const wholeOf = (value: unknown): unknown =>
  isLosslessNumber(value) && isSafeNumber(value.value) ? Number(value.value) : value;

export const wholeNumber = (min: number, max: number) =>
  z
    .int({ error: ({ code }) => (code === 'invalid_type' ? WHOLE : undefined) })
    .min(min)
    .max(max);

/** Around the whole of a member that is a whole number in a body: what is nullable around it would be optional too, and a default is not told. */
export const inBody = <S extends z.ZodType>(schema: S) => z.preprocess(wholeOf, schema);

const PAGE_LIMIT_MAX = 200;
const PAGE_LIMIT_DEFAULT = 50;

/** Number() also reads 0x10, 1e1, +5 and an empty text. */
const plainDigits = (text: unknown): unknown =>
  typeof text === 'string' && /^-?\d+$/.test(text) ? Number(text) : text;

/** A whole number that is a text in a query. */
export const queryNumber = (min: number, max: number) =>
  z.preprocess(
    plainDigits,
    z
      .int({ error: ({ code }) => (code === 'invalid_type' ? 'must be a whole number in plain digits' : undefined) })
      .min(min)
      .max(max),
  );

/** How many items a page of a list has. */
export const pageLimit = (max = PAGE_LIMIT_MAX, otherwise = PAGE_LIMIT_DEFAULT) =>
  queryNumber(1, max).prefault(otherwise);

/** Where a page ends, as an earlier one said: nextCursor. */
export const pageCursor = (max: number) =>
  untrimmed(0, max).optional().meta({ description: 'nextCursor of the page before' });
