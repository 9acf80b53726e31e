/** A person stops an attempt that goes on and on. */

/** The name of the update, and of the entry in a history. It changes nothing: not even the version. */
export const ABANDON = 'abandon';

export interface AbandonRequest {
  actor: string;
  reason: string;
}

/** A person has stopped an attempt; it is recorded when the invoice, or the dead letter, is loaded next. */
export interface Intervention extends AbandonRequest {
  /** RFC 3339 */
  at: string;
  /** What was tried: a step, or what was decided about a dead letter. */
  step: string;
  attemptId: string;
}
