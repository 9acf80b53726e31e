/** What the service and the workflow of a dead letter agree on. */
import type { ABANDON } from '../../commands/abandon.ts';
import type { DeadLetterAction, Direction, Resolution } from '../../dead-letters/dead-letter.ts';

export const deadLetterWorkflowId = (deadLetterId: string): string => `dead-letter/${deadLetterId}`;

export interface DeadLetterInput {
  deadLetterId: string;
}

/** The argument of a dead letter's updates. Staff fill in only what is theirs in the Web UI. */
export interface DecisionRequest {
  /** Who decides. */
  actor?: string;
  /** What `actor` was called until 2026-12. Still taken, and sent by our own senders, whom an older worker may hear. */
  operator?: string;
  reason: string;
  /** For `edit` alone: the new payload, JSON text. */
  payload?: string;
  /** Set by our own senders, who may send a decision again; without it the update id is the decision's. */
  decisionId?: string;
  /** Of the span that sent the decision; absent when nothing is traced. */
  traceparent?: string;
}

/** The input of the activities that carry a decision out. */
export interface DecisionCommand extends DeadLetterInput {
  operator: string;
  reason: string;
  decisionId: string;
  traceparent?: string;
}

export interface EditCommand extends DecisionCommand {
  payload: string;
}

/** What the page of a dead letter shows. */
export interface DeadLetterView {
  id: string;
  direction: Direction;
  tenantId: string | null;
  topic: string;
  /** null for an event, which is not on its topic yet. */
  partition: number | null;
  offset: string | null;
  source: string | null;
  eventId: string | null;
  type: string | null;
  reason: string;
  detail: string;
  /** The beginning of the payload, as far as it is text. */
  payload: string;
  edited: boolean;
  openedAt: string;
  attempts: number;
  resolution: { as: Resolution; by: string; because: string; at: string } | null;
  /** The invoice that the message names, and what it is called when it is there. Absent in views of older versions. */
  invoice?: DeadLetterInvoice | null;
  /** The last decisions, oldest first. Absent in views of older versions. */
  decisions?: DeadLetterDecision[];
}

export interface DeadLetterInvoice {
  id: string;
  number: string | null;
  customerReference: string | null;
}

/** What was decided about a dead letter, or that somebody stopped the attempt. */
export interface DeadLetterDecision {
  at: string;
  actor: string;
  action: DeadLetterAction | typeof ABANDON;
  /** What the dead letter was after it. */
  status: 'open' | Resolution;
  reason: string;
}

/** What a dead letter's updates answer: what it is now, and why when it is still open. */
export interface DecisionAnswer {
  status: 'open' | Resolution;
  reason: string;
  detail: string;
  attempts: number;
}

/** How a run of a dead letter's workflow ends. */
export type DeadLetterEnd = { ended: Resolution | 'abandoned' };

/** How long a replay waits for the handler's answer, or the broker's; the activity has a little longer. */
export const REPLAY_LIMIT_MS = 10_000;

/** Types of the failures of a decision. */
export const DEAD_LETTER_RESOLVED = 'dead_letter_resolved';
export const DEAD_LETTER_NOT_FOUND = 'dead_letter_not_found';
/** The decision does not fit the dead letter, or the payload the event; nothing was changed. */
export const DECISION_REFUSED = 'decision_refused';
export const PAYLOAD_REFUSED = 'payload_refused';
