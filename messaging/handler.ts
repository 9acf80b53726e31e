/** What handles a received event: one definition each, of the slice that the event is about. */
import type { DataOf, EventDefinition } from './event.ts';
import type { Handled, Refused } from './event-source.ts';

/** An event after the edge: its data is as its schema says, and the tenant it names is the record's own. */
export interface ReceivedEvent<E extends EventDefinition = EventDefinition> {
  /** With the source: what the event is known by, however often it comes. */
  id: string;
  source: string;
  /** As on the wire: `billing.payment.received.v1`. */
  type: string;
  data: DataOf<E>;
}

/**
 * Carries a received event out, once per source and id. Resolves with what became of it; rejects when there is no
 * answer yet: the event is handed in again.
 */
export type Handler<E extends EventDefinition> = (event: ReceivedEvent<E>) => Promise<Handled>;

export interface HandlerDefinition<E extends EventDefinition, Deps> {
  /** The newest version. */
  event: E;
  /** Versions that are taken beside it. What its handler gets is the newest one's data. */
  earlier?: readonly EarlierReceived<E>[];
  create: (deps: Deps) => Handler<E>;
  /** Why it would be refused before it has any effect, beside what its schema says; null when it would not. */
  inspect?: (event: ReceivedEvent<E>) => Refused | null;
}

/** A version that senders may still send. */
export interface EarlierReceived<E extends EventDefinition> {
  event: EventDefinition;
  /** Pure. */
  // oxlint-disable-next-line typescript/no-explicit-any -- what the schema of the version lets through
  upcast: (data: any) => DataOf<E>;
}

/** An event that is handled here, by a handler that has what it needs. */
export interface Handling {
  event: EventDefinition;
  // The event was parsed by the schema of its definition; the compiler does not follow that the two belong together.
  handle: Handler<never>;
}

export const refused = (reason: string, detail: string): Refused => ({ kind: 'refused', reason, detail });
