/** Options of a command line that are judged by a schema. */
import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';

/** Parses an option; the command line says what was expected. */
export const parsedBy =
  <S extends z.ZodType>(schema: S, expected: string) =>
  (text: string): z.output<S> => {
    const { success, data } = schema.safeParse(text);
    if (!success) throw new InvalidArgumentError(`Expected ${expected}.`);
    return data;
  };
