/** The events of the catalogue, by their names: the first version of each. */
import { schemaOf } from '../../values/schema.ts';
import type { z } from 'zod';
import { catalogue } from '../../registry/catalogue.ts';
import { type EventDefinition } from '../../messaging/event.ts';

export const eventNames = [...new Set(catalogue.map(({ name }) => name))];

export function eventNamed(name: string): EventDefinition {
  const event = catalogue.find((one) => one.name === name);
  if (!event) throw new Error(`There is no event ${name}.`);
  return event;
}

export function schemaNamed(name: string): z.ZodType {
  const { schema } = eventNamed(name);
  if (!schema) throw new Error(`The event ${name} has no schema.`);
  return schemaOf(schema);
}
