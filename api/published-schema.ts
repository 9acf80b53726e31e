/**
 * How schemas are published. What we write is checked strictly (answers and events are strict objects, so nothing is
 * sent that was not meant), and published open, so that a member can be added without breaking those who validate.
 * What is sent to us stays closed, because unknown members are refused.
 *
 * Values that we send may become more: they are published as examples, and a reader takes one that it does not know for
 * another one. A keyword of our own would say more, but some validators refuse a schema for a keyword that they do not
 * know.
 *
 * Regular expressions are not published: each engine has a dialect of its own, and a document with one that it does not
 * know is refused as a whole. Formats and descriptions say what they check.
 */
import { schemaOf } from '../values/schema.ts';
import { z } from 'zod';
import { MORE_MAY_COME } from '../contract/compatibility.ts';
import { type EventDefinition } from '../messaging/event.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

interface Publishing {
  jsonSchema: JsonSchema;
  /** Absent for events, which go out. */
  io?: 'input' | 'output';
}

/** Changes one schema, at any depth, on its way into a document. */
export function published({ jsonSchema, io = 'output' }: Publishing): void {
  delete jsonSchema.pattern;
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (io === 'output' && jsonSchema.enum) {
    jsonSchema.examples = jsonSchema.enum;
    jsonSchema.description = [jsonSchema.description, MORE_MAY_COME].filter(Boolean).join('. ');
    delete jsonSchema.enum;
  }
  const { example } = jsonSchema;
  if (example === undefined) return;
  // JSON Schema knows `examples` only; `example` is OpenAPI's own, and deprecated.
  delete jsonSchema['example'];
  jsonSchema.examples = [example];
}

/** The JSON Schema of an event's data, as it is served below /schemas. */
export const eventSchema = ({ schema = z.unknown }: EventDefinition): JsonSchema =>
  z.toJSONSchema(schemaOf(schema), {
    override: (context) => {
      published(context);
      delete context.jsonSchema.id;
    },
  });

/** Data of an event as it can come. */
export const eventExample = (event: EventDefinition): unknown => event.example?.() ?? exampleOf(eventSchema(event));

const FORMATS: Readonly<Record<string, string>> = {
  uuid: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d',
  date: '2030-01-31',
  'date-time': '2029-12-01T09:30:00.000Z',
  email: 'ann@example.com',
};

/** A value that fits a schema: its own example, or made of those of its members. */
function exampleOf(schema: JsonSchema, root = schema): unknown {
  const { $ref: reference, examples, anyOf, properties, items, format = '', type } = schema;
  if (examples) return examples[0];
  if ('const' in schema) return schema.const;
  const inside = (one: unknown) => exampleOf(one as JsonSchema, root);
  if (reference !== undefined) return inside(root.$defs?.[reference.replace('#/$defs/', '')]);
  if (anyOf) return inside(anyOf[0]);
  switch ([type].flat()[0]) {
    case 'object':
      return Object.fromEntries(Object.entries(properties ?? {}).map(([name, one]) => [name, inside(one)]));
    case 'array':
      return [inside(items)];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return FORMATS[format] ?? 'text';
  }
}
