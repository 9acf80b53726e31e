/** Events as handlers get them. */
import type { EventData } from './generated/event-data.ts';

/** What the kit knows: every version of every event that was published when it was made. */
export type EventType = keyof EventData;

/** A CloudEvent with its place in its stream. Attributes that the sender left out are null. */
export interface StreamEvent<Type extends string = string, Data = unknown> {
  type: Type;
  data: Data;
  /** Names this record: the same in every redelivery. */
  id: string;
  /** Names what happened: the same in every version in which it is told. */
  factId: string;
  source: string;
  subject: string | null;
  /** RFC 3339. */
  time: string | null;
  tenantId: string | null;
  /** Of the command that caused it. */
  causationId: string | null;
  /** On which its sequence counts; a replay brings it on another one. */
  topic: string;
  partitionKey: string;
  /** 1..n without a gap in its stream. */
  sequence: number;
  /** The topic without its version, and the partition key: the unit of order, for all versions. */
  stream: string;
}

export type EventOf<Type extends EventType> = StreamEvent<Type, EventData[Type]>;

/** `switch (event.type)` tells which data it has. */
export type BillingEvent = { [Type in EventType]: EventOf<Type> }[EventType];
