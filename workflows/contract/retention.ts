/** What the service and the workflow of retention agree on. */

export const RETENTION_ID = 'retention';

/** Where a look through the outbox goes on: behind this position. */
export interface PruneInput {
  after: string;
}

/** What one run of the activity did. */
export interface PruneReport {
  /** Events that were deleted. */
  pruned: number;
  /** Where to go on; null when nothing older is left. */
  after: string | null;
  /** How long events are kept. */
  keptDays: number;
}
