/** Where messages of other systems come from: the port between the consumer and a broker. */

/** A record as it came; nothing about it is known to be valid. */
export interface IncomingRecord {
  topic: string;
  partition: number;
  offset: bigint;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

/** Resolves when the record has had its effect, or was kept; rejects when it must be handed in again. */
export type HandleRecord = (record: IncomingRecord) => Promise<void>;

export interface EventSource {
  stop: () => Promise<void>;
}
