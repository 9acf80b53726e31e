/** What the service and the relays of the outbox agree on. */

export const relayWorkflowId = (shard: number): string => `outbox-relay/${shard}`;

export interface RelayInput {
  shard: number;
  shards: number;
}

/** What is waiting to be published. */
export interface Backlog {
  events: number;
  /** Age of the oldest one; 0 when nothing waits. */
  oldestSeconds: number;
  blockedStreams: number;
}

/** The type of a failure of publishBatch; its detail is a RelayReport, when Postgres could tell. */
export const PUBLISHING_FAILED = 'publishing_failed';

/** What one run of the relay's activity did, and what it left. */
export interface RelayReport extends Backlog {
  published: number;
  /** Of this worker, since it started. Absent in reports of older versions. */
  lastError?: { at: string; message: string } | null;
}
