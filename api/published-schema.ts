/**
 * How schemas are published. What we write is checked strictly (answers and events are strict objects, so nothing is
 * sent that was not meant), and published open, so that a member can be added without breaking those who validate.
 * What is sent to us stays closed, because unknown members are refused.
 *
 * Regular expressions are not published: each engine has a dialect of its own, and a document with one that it does not
 * know is refused as a whole. Formats and descriptions say what they check.
 */
import { schemaOf } from '../values/schema.ts';
import { z } from 'zod';
import { type EventDefinition } from '../messaging/event.ts';

interface Publishing {
  jsonSchema: z.core.JSONSchema.BaseSchema;
  /** Absent for events, which go out. */
  io?: 'input' | 'output';
}

/** Changes one schema, at any depth, on its way into a document. */
export function published({ jsonSchema, io = 'output' }: Publishing): void {
  delete jsonSchema.pattern;
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  const { example } = jsonSchema;
  if (example === undefined) return;
  // JSON Schema knows `examples` only; `example` is OpenAPI's own, and deprecated.
  delete jsonSchema['example'];
  jsonSchema.examples = [example];
}

/** The JSON Schema of an event's data, as it is served below /schemas. */
export const eventSchema = ({ schema = z.unknown }: EventDefinition): z.core.JSONSchema.BaseSchema =>
  z.toJSONSchema(schemaOf(schema), {
    override: (context) => {
      published(context);
      delete context.jsonSchema.id;
    },
  });
