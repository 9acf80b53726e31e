/** What the worker registers; the names are those of workflowTypes in contract/common.ts. */
export { deadLetter } from './dead-letter.ts';
export { deadLetterBatch } from './dead-letter-batch.ts';
export { eventVersion } from './event-version.ts';
export { eventReplay } from './event-replay.ts';
export { invoice } from './invoice.ts';
export { billingRun } from './billing-run.ts';
export { outboxRelay } from './outbox-relay.ts';
export { retention } from './retention.ts';
export { wakeupRelay } from './wakeup-relay.ts';
