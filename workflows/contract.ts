/**
 * What the service and its workflows agree on: names, ids, messages, search attributes. Imported by both sides, so it
 * holds no zod schema and no Node module.
 */
import type { Intervention } from '../commands/abandon.ts';
import type { ABANDON } from '../commands/abandon.ts';
import type { WireInvoice } from '../invoices/wire.ts';
import type { StepBodies } from '../invoices/lifecycle.ts';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { DeadLetterVerb, Direction, Resolution } from '../dead-letters/dead-letter.ts';
import type { FinalStatus, HistoryAction, Status, Step } from '../invoices/lifecycle.ts';
import type { Timer } from '../invoices/timers.ts';

export const workflowTypes = {
  invoice: 'invoice',
  outboxRelay: 'outboxRelay',
  wakeupRelay: 'wakeupRelay',
  billingRun: 'billingRun',
  deadLetter: 'deadLetter',
  deadLetterBatch: 'deadLetterBatch',
} as const;

export const invoiceWorkflowId = (tenantId: string, invoiceId: string): string => `invoice/${tenantId}/${invoiceId}`;
export const WAKEUP_RELAY_ID = 'wakeup-relay';
/** `date` is YYYY-MM-DD. */
export const billingRunWorkflowId = (tenantId: string, date: string): string => `billing-run/${tenantId}/${date}`;
export const deadLetterWorkflowId = (deadLetterId: string): string => `dead-letter/${deadLetterId}`;
export const deadLetterBatchWorkflowId = (batchId: string): string => `dead-letter-batch/${batchId}`;
export const relayWorkflowId = (shard: number): string => `outbox-relay/${shard}`;

/** A killed worker costs a caller at most this; the local activity's two seconds must fit in. */
export const WORKFLOW_TASK_TIMEOUT_MS = 5_000;
/** How long a task waits for the worker that has the workflow cached, before any worker may take it. */
export const STICKY_TIMEOUT_MS = 2_000;

export interface InvoiceInput {
  tenantId: string;
  invoiceId: string;
}

/** The argument of an update. Staff fill in only `actor` and `body` in the Web UI. */
export interface StepRequest<S extends Step = Step> {
  actor: string;
  body: StepBodies[S];
  /** The version the caller saw, or null (absent) to act on whatever is current. */
  expectedVersion?: number | null;
  /** Set by our own senders; without it the command is staff's (workflows/identity.ts). */
  identity?: CommandIdentity;
}

export interface CommandIdentity {
  key: string;
  fingerprint: string;
  /** The update's id. */
  attemptId: string;
  acceptedAt: string;
}

/** One line of an invoice's history. */
export interface HistoryEntry {
  version: number;
  action: HistoryAction;
  at: string;
  actor: string;
  status: Status;
  reason: string | null;
}

/** What a step's activity answers: the invoice as the command left it. */
export interface StepOutcome {
  invoice: WireInvoice;
  /** Null when the command had been carried out before: `invoice` is the stored answer then. */
  done: { entry: HistoryEntry; openAmountMinor: number; timers: Timer[] } | null;
}

/** What an update answers. */
export interface StepAnswer {
  /** The answer in words, for who reads it in the Web UI: of which step and invoice, and whether it is an old one. */
  summary: string;
  invoice: WireInvoice;
  replayed: boolean;
}

/** How many of the last steps an invoice's page shows. */
export const DETAILS_STEPS = 20;

/** What support sees of an invoice. */
export interface InvoiceView {
  invoice: WireInvoice;
  /** What is still to be paid, for the search attribute. */
  openAmountMinor: number;
  /** The last steps, oldest first. */
  entries: HistoryEntry[];
  /** What time still has to tell, the earliest first. */
  timers: Timer[];
}

/** The input of an activity that loads: absent when nobody has stopped anything. */
export interface Interventions {
  interventions?: readonly Intervention[];
}

/** The signal that makes an invoice's workflow look at Postgres again. */
export const WAKE = 'wake';
/** Who acts when a timer rings. */
export const TIME = 'time';

/** How a run of an invoice's workflow ends. */
export type InvoiceEnd = { ended: FinalStatus | 'idle' | 'abandoned' };

/** The type of the failure of a command that a bug stopped; nothing was changed. */
export const INTERNAL_ERROR = 'internal_error';
/**
 * The type of the failure of an attempt that a person has stopped; whether it took effect is not known. The message
 * says who and why.
 */
export const ABANDONED = 'abandoned';

const { KEYWORD, INT, DATETIME, BOOL } = SearchAttributeType;

/** No names of people or firms: search attributes are stored in the clear. */
export const searchAttributes = {
  billingTenant: defineSearchAttributeKey('BillingTenant', KEYWORD),
  invoiceStatus: defineSearchAttributeKey('InvoiceStatus', KEYWORD),
  invoiceNumber: defineSearchAttributeKey('InvoiceNumber', KEYWORD),
  customerReference: defineSearchAttributeKey('CustomerReference', KEYWORD),
  currency: defineSearchAttributeKey('Currency', KEYWORD),
  topic: defineSearchAttributeKey('Topic', KEYWORD),
  eventType: defineSearchAttributeKey('EventType', KEYWORD),
  failureReason: defineSearchAttributeKey('FailureReason', KEYWORD),
  openAmountMinor: defineSearchAttributeKey('OpenAmountMinor', INT),
  dueAt: defineSearchAttributeKey('DueAt', DATETIME),
  overdue: defineSearchAttributeKey('Overdue', BOOL),
  stuck: defineSearchAttributeKey('Stuck', BOOL),
  escalated: defineSearchAttributeKey('Escalated', BOOL),
} as const;

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

/** What one run of the wake-ups' activity did, and what it left. */
export interface WakeupReport {
  sent: number;
  waiting: number;
}

/** One run: every draft of a tenant that is due on a business day (YYYY-MM-DD) or before it. */
export interface BillingRunInput {
  tenantId: string;
  businessDate: string;
}

/** How far a billing run is. */
export interface BillingRunProgress {
  /** Drafts that got their numbers, since the run began. */
  finalized: number;
  refused: number;
  /** Drafts that are still to be looked at. */
  left: number;
}

/** The type of a failure of publishBatch; its detail is a RelayReport, when Postgres could tell. */
export const PUBLISHING_FAILED = 'publishing_failed';

/** What one run of the relay's activity did, and what it left. */
export interface RelayReport extends Backlog {
  published: number;
  /** Of this worker, since it started. Absent in reports of older versions. */
  lastError?: { at: string; message: string } | null;
}

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
}

/** The input of the activities that carry a decision out. */
export interface DecisionCommand extends DeadLetterInput {
  operator: string;
  reason: string;
  decisionId: string;
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
  invoice?: LetterInvoice | null;
  /** The last decisions, oldest first. Absent in views of older versions. */
  decisions?: LetterDecision[];
}

export interface LetterInvoice {
  id: string;
  number: string | null;
  customerReference: string | null;
}

/** What was decided about a dead letter, or that somebody stopped the attempt. */
export interface LetterDecision {
  at: string;
  actor: string;
  action: DeadLetterVerb | typeof ABANDON;
  /** What the letter was after it. */
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

/** One decision about many dead letters. */
export interface DeadLetterBatchInput {
  batchId: string;
}

/** How far it is, in letters. */
export interface DeadLetterBatchProgress {
  total: number;
  done: number;
  refused: number;
  /** Tried, and without an answer in time. */
  unknown: number;
  left: number;
}

/** How long a replay waits for the handler's answer, or the broker's; the activity has a little longer. */
export const REPLAY_LIMIT_MS = 10_000;

/** Types of the failures of a decision. */
export const DEAD_LETTER_RESOLVED = 'dead_letter_resolved';
export const DEAD_LETTER_NOT_FOUND = 'dead_letter_not_found';
/** The decision does not fit the letter, or the payload the event; nothing was changed. */
export const DECISION_REFUSED = 'decision_refused';
export const PAYLOAD_REFUSED = 'payload_refused';
