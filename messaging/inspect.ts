/** Whether a record could be handled, without handling it: for a payload that a person is about to put into one. */
import type { EventDefinition } from './event.ts';
import type { Inspect, Refused } from './event-source.ts';
import { readRecord } from './read-record.ts';

interface Inspected {
  event: EventDefinition;
  inspect?: (event: never) => Refused | null;
}

/** What nothing here handles, nobody here can judge. */
export const createInspect =
  (definitions: readonly Inspected[], environment: string): Inspect =>
  (record) => {
    const reading = readRecord(record, definitions, environment);
    if (reading.kind === 'refused') return reading;
    return reading.kind === 'unhandled' ? null : (reading.by.inspect?.(reading.event as never) ?? null);
  };
