/**
 * Data against the published schemas. They are open: a member that they do not name passes, and so does a value that
 * they do not list.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { EventError } from './errors.ts';
import type { BillingEvent, StreamEvent } from './event.ts';
import { schemas } from './generated/schemas.ts';

const ajv = new Ajv2020({ strict: false });
ajvFormats.default(ajv);
const compiled = new Map<string, ValidateFunction>();

/** Is it of a type that this version of the kit has a schema for? */
export const isKnown = ({ type }: StreamEvent): boolean => Object.hasOwn(schemas, type);

/** The event with its data typed. Throws an EventError `invalid_data`; call it with an event that is known. */
export function validated(event: StreamEvent): BillingEvent {
  const { type, data, id, topic } = event;
  const validate = compiled.get(type) ?? ajv.compile(schemas[type] ?? false);
  compiled.set(type, validate);
  if (validate(data)) return event as BillingEvent;
  throw new EventError('invalid_data', `The data of ${type} ${id} on ${topic}: ${ajv.errorsText(validate.errors)}.`);
}
