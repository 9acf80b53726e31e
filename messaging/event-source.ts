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

/** What became of a message: it had its effect, or it was refused, for a reason with a stable name. */
export type Handled = { kind: 'done' } | Refused;

export interface Refused {
  kind: 'refused';
  reason: string;
  detail: string;
}

/** Hands a record to its handler. Rejects when there is no answer yet. */
export type Deliver = (record: IncomingRecord) => Promise<Handled>;

/** Why a record would be refused before it has any effect, as far as its text alone tells; null when it would not. */
export type Inspect = (record: IncomingRecord) => Refused | null;

/** Resolves when the record has had its effect, or was stored; rejects when it must be handed in again. */
export type HandleRecord = (record: IncomingRecord) => Promise<void>;

export interface EventSource {
  stop: () => Promise<void>;
}
