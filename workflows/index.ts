/** What the worker registers; the names are those of workflowTypes in contract.ts. */
export { invoice } from './invoice.ts';
export { outboxRelay } from './outbox-relay.ts';
