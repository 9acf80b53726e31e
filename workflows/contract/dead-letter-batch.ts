/** What the service and the workflow of a batch of dead letters agree on. */

export const deadLetterBatchWorkflowId = (batchId: string): string => `dead-letter-batch/${batchId}`;
/** One decision about many dead letters. */
export interface DeadLetterBatchInput {
  batchId: string;
}

/** How far it is, in dead letters. */
export interface DeadLetterBatchProgress {
  total: number;
  done: number;
  refused: number;
  /** Tried, and without an answer in time. */
  unknown: number;
  left: number;
}
