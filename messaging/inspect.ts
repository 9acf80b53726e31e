/** Whether a record could be handled, without handling it: for a payload that a person is about to put into one. */
import type { Inspect } from './event-source.ts';
import { handledEvents } from './handlers.ts';
import { bodyOf } from '../invoices/payment-received.ts';
import { readRecord } from './read-record.ts';

/** What nothing here handles, nobody here can judge. */
export const createInspect =
  (environment: string): Inspect =>
  (record) => {
    const reading = readRecord(record, handledEvents, environment);
    if (reading.kind === 'refused') return reading;
    if (reading.kind === 'unhandled' || reading.name !== 'PaymentReceived') return null;
    const body = bodyOf(reading.event);
    return body.kind === 'refused' ? body : null;
  };
