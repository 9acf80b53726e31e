/** What the service and the workflow of a replay of events agree on. */
import type { ReplayAction, ReplayStatus } from '../../event-replays/replay.ts';

export const eventReplayWorkflowId = (replayId: string): string => `event-replay/${replayId}`;

export interface EventReplayInput {
  replayId: string;
}

/** The argument of a replay's updates. Staff fill in only what is theirs in the Web UI. */
export interface ReplayDecisionRequest {
  /** Who decides. */
  actor: string;
  reason: string;
  /** Set by our own senders, who may send a decision again; without it the update id is the decision's. */
  decisionId?: string;
  /** Of the span that sent the decision; absent when nothing is traced. */
  traceparent?: string;
}

/** The input of the activity that records a decision. */
export interface ReplayDecision extends EventReplayInput {
  action: ReplayAction;
  actor: string;
  reason: string;
  decisionId: string;
  traceparent?: string;
}

/** What the page of a replay shows. */
export interface EventReplayView {
  id: string;
  tenantId: string | null;
  subscriber: string;
  topic: string;
  status: ReplayStatus;
  /** Why it ended otherwise than at its end. */
  detail: string | null;
  /** Where it begins, in words, and the instant before which its last event was recorded. */
  begins: string;
  before: string;
  /** What is sent of the range, in words. */
  only: string;
  /** Events a second. */
  rate: number;
  sent: number;
  /** null: not counted, they are many. */
  expected: number | null;
  /** When the last event that was sent was recorded; null before the first. */
  sentThrough: string | null;
  startedBy: string;
  startedAt: string;
  reason: string;
  /** The last of them, oldest first. */
  decisions: { at: string; action: ReplayAction; actor: string; reason: string }[];
}

/** What a replay's updates answer. */
export interface ReplayDecisionAnswer {
  status: ReplayStatus;
  sent: number;
}

/** How a run of a replay's workflow ends. */
export type EventReplayEnd = { ended: ReplayStatus | 'abandoned' };

/** Types of the failures of a decision. */
export const EVENT_REPLAY_NOT_FOUND = 'event_replay_not_found';
/** The decision does not fit what the replay is; nothing was changed. */
export const REPLAY_DECISION_REFUSED = 'replay_decision_refused';
