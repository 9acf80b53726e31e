/** Where events are sent: the port between the relay and a broker. platform/kafka-sink.ts is the one that is used. */

/** One record, ready to be sent as it is. `headers` is the JSON text of a string-to-string object. */
export interface StoredEvent {
  topic: string;
  partitionKey: string;
  headers: string;
  value: string;
}

/**
 * Of an event's payload: brokers take 1 MiB a partition by default, its headers and the record's own bytes beside it.
 */
export const EVENT_BYTES_MAX = 900_000;

export interface EventSink {
  /**
   * Sends the events in this order, per partition, and resolves when the broker has acknowledged all of them.
   * Rejects with RefusedByBroker when the broker will never take what was sent, with any other error when the
   * outcome is unknown or the broker is away; part of the events may have been written then.
   */
  send(events: readonly StoredEvent[]): Promise<void>;
  /**
   * The events by what can be away while the rest is there: a partition, or a topic that is not known. The names are
   * for people, the events in their order. Rejects when the broker itself is away.
   */
  partsOf(events: readonly StoredEvent[]): Promise<Map<string, StoredEvent[]>>;
  /** Connects and makes missing topics; rejects when the broker is away. */
  prepare(): Promise<void>;
  close(): Promise<void>;
}

/** The broker refused for good: sending the same again cannot help. */
export class RefusedByBroker extends Error {}
