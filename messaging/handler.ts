/** What a handler of a received event is. */
import type { EventData, PlacedEvent } from './catalogue.ts';
import type { Handled, Refused } from './event-source.ts';

/** An event after the edge: its data is as the catalogue says, and the tenant it names is the record's own. */
export interface ReceivedEvent<N extends PlacedEvent = PlacedEvent> {
  /** With the source: what the event is known by, however often it comes. */
  id: string;
  source: string;
  /** As on the wire: `billing.payment.received.v1`. */
  type: string;
  data: EventData<N>;
}

/**
 * Carries a received event out, once per source and id. Resolves with what became of it; rejects when there is no
 * answer yet: the event is handed in again.
 */
export type Handler<N extends PlacedEvent> = (event: ReceivedEvent<N>) => Promise<Handled>;

export const refused = (reason: string, detail: string): Refused => ({ kind: 'refused', reason, detail });
