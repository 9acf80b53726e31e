/** Hands a record to its handler: the same for a record that arrives and for a dead letter that is replayed. */
import type { Deliver, Handled } from './event-source.ts';
import { type HandledEvent, type Handlers, handledEvents } from './handlers.ts';
import { type Reading, readRecord } from './read-record.ts';

export const createDeliver =
  (handlers: Handlers, environment: string): Deliver =>
  async (record) => {
    const reading = readRecord(record, handledEvents, environment);
    if (reading.kind === 'unhandled') {
      return { kind: 'refused', reason: 'no_handler', detail: `Nothing here handles ${reading.type}.` };
    }
    return handleReading(handlers, reading);
  };

/** Rejects when there is no answer yet. */
export async function handleReading(
  handlers: Handlers,
  reading: Exclude<Reading<HandledEvent>, { kind: 'unhandled' }>,
): Promise<Handled> {
  if (reading.kind === 'refused') return reading;
  // The event was parsed by the schema of its name; the compiler does not follow that the two belong together.
  const handle: (event: never) => Promise<Handled> = handlers[reading.name];
  return handle(reading.event as never);
}
