/** Hands a record to its handler: the same for a record that arrives and for a dead letter that is replayed. */
import type { Deliver, Handled } from './event-source.ts';
import type { Handling } from './handler.ts';
import { type Reading, readRecord } from './read-record.ts';

export const createDeliver =
  (handlings: readonly Handling[], environment: string): Deliver =>
  async (record) => {
    const reading = readRecord(record, handlings, environment);
    if (reading.kind === 'unhandled') {
      return { kind: 'refused', reason: 'no_handler', detail: `Nothing here handles ${reading.type}.` };
    }
    return handleReading(reading);
  };

/** Rejects when there is no answer yet. */
export async function handleReading(reading: Exclude<Reading<Handling>, { kind: 'unhandled' }>): Promise<Handled> {
  return reading.kind === 'refused' ? reading : reading.by.handle(reading.event);
}
