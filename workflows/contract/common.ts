/**
 * What the service and its workflows agree on, whatever the workflow. The other files of this folder have what is one
 * workflow's alone: its ids, messages and answers. Both sides import them, so they hold no zod schema and no Node
 * module.
 */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import type { Intervention } from '../../commands/abandon.ts';

export const workflowTypes = {
  invoice: 'invoice',
  outboxRelay: 'outboxRelay',
  wakeupRelay: 'wakeupRelay',
  retention: 'retention',
  eventVersion: 'eventVersion',
  billingRun: 'billingRun',
  deadLetter: 'deadLetter',
  deadLetterBatch: 'deadLetterBatch',
  eventReplay: 'eventReplay',
} as const;

/** A killed worker costs a caller at most this; the local activity's two seconds must fit in. */
export const WORKFLOW_TASK_TIMEOUT_MS = 5_000;
/** How long a task waits for the worker that has the workflow cached, before any worker may take it. */
export const STICKY_TIMEOUT_MS = 2_000;

const BULK_PRIORITY = 4;
/** The order of tasks that wait for a worker: each tenant has its turn. Needs `matching.enableFairness` of the server. */
export const ofTenant = (tenantId: string) => ({ fairnessKey: tenantId });
/** The same, behind everything that somebody may be waiting for. */
export const inBulk = (tenantId: string) => ({ ...ofTenant(tenantId), priorityKey: BULK_PRIORITY });

/** The input of an activity that loads: absent when nobody has stopped anything. */
export interface Interventions {
  interventions?: readonly Intervention[];
}

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
