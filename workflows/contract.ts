/**
 * What the service and its workflows agree on: names, ids, messages, search attributes. Imported by both sides, so it
 * holds no zod schema and no Node module.
 */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { WireInvoice } from '../domain/invoice-schema.ts';
import type { StepBodies } from '../domain/invoice.ts';
import type { Status, Step } from '../domain/lifecycle.ts';

export const workflowTypes = { invoice: 'invoice', outboxRelay: 'outboxRelay' } as const;

export const invoiceWorkflowId = (tenantId: string, invoiceId: string): string => `invoice/${tenantId}/${invoiceId}`;
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
  /** Set by our own senders; without it the update id is the key, and now is the instant of acceptance. */
  identity?: CommandIdentity;
}

export interface CommandIdentity {
  key: string;
  fingerprint: string;
  attemptId: string;
  acceptedAt: string;
}

/** The input of a step's activity. */
export interface StepCommand<S extends Step = Step> extends InvoiceInput, CommandIdentity {
  actor: string;
  expectedVersion: number | null;
  body: StepBodies[S];
}

/** One line of an invoice's history. */
export interface HistoryEntry {
  version: number;
  action: Step;
  at: string;
  actor: string;
  status: Status;
  reason: string | null;
}

/** What a step's activity answers: the invoice as the command left it. */
export interface StepOutcome {
  invoice: WireInvoice;
  /** Null when the command had been carried out before: `invoice` is the stored answer then. */
  done: { entry: HistoryEntry; openAmountMinor: number } | null;
}

/** What an update answers. */
export interface StepAnswer {
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
}

export interface AbandonRequest {
  actor: string;
  reason: string;
}

/** How a run of an invoice's workflow ends. */
export type InvoiceEnd = { ended: 'paid' | 'cancelled' | 'idle' | 'abandoned' };

/** The type of the failure of a command that a bug stopped; nothing was changed. */
export const INTERNAL_ERROR = 'internal_error';
/** The type of the failure of a command that staff gave up on; whether it took effect is not known. */
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

/** What one run of the relay's activity did, and what it left. */
export interface RelayReport extends Backlog {
  published: number;
}
