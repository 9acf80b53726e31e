/**
 * How runs are started: with which input, and under which workflow id. A run that was started by hand with anything
 * else would not find what it is about, or would do beside another what only one may do: it fails at once, and says
 * what was expected.
 */
import { RETENTION_ID } from './contract/retention.ts';
import { type EventVersionInput, eventVersionWorkflowId } from './contract/event-version.ts';
import { WAKEUP_RELAY_ID } from './contract/wakeup-relay.ts';
import { type RelayInput, relayWorkflowId } from './contract/outbox-relay.ts';
import { type InvoiceInput, invoiceWorkflowId } from './contract/invoice.ts';
import { type DeadLetterInput, deadLetterWorkflowId } from './contract/dead-letter.ts';
import { type DeadLetterBatchInput, deadLetterBatchWorkflowId } from './contract/dead-letter-batch.ts';
import { type EventReplayInput, eventReplayWorkflowId } from './contract/event-replay.ts';
import { type BillingRunInput, billingRunWorkflowId } from './contract/billing-run.ts';
import { patched, workflowInfo } from '@temporalio/workflow';
import { checkDeadLetterInput } from './dead-letter-requests.ts';
import { checkEventVersionInput } from './event-version-requests.ts';
import { malformed } from './failures.ts';
import { type Test, checkInput, demand, isExistingDate, isUuid } from './invoice-requests.ts';
import { STARTS_CHECKED } from './patches.ts';

const isCount: Test = {
  must: 'a whole number, 0 or more',
  passes: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};

export function checkInvoiceStart(input: InvoiceInput): void {
  checkInput(input);
  checkStart(() => expectWorkflowId(invoiceWorkflowId(input.tenantId, input.invoiceId)));
}

export function checkDeadLetterStart(input: DeadLetterInput): void {
  checkDeadLetterInput(input);
  checkStart(() => expectWorkflowId(deadLetterWorkflowId(input.deadLetterId)));
}

export const checkBillingRunStart = (input: BillingRunInput): void =>
  checkStart(() => {
    demand('the input', input, { tenantId: isUuid, businessDate: isExistingDate });
    expectWorkflowId(billingRunWorkflowId(input.tenantId, input.businessDate));
  });

export const checkBatchStart = (input: DeadLetterBatchInput): void =>
  checkStart(() => {
    demand('the input', input, { batchId: isUuid });
    expectWorkflowId(deadLetterBatchWorkflowId(input.batchId));
  });

export const checkEventReplayStart = (input: EventReplayInput): void =>
  checkStart(() => {
    demand('the input', input, { replayId: isUuid });
    expectWorkflowId(eventReplayWorkflowId(input.replayId));
  });

export const checkOutboxRelayStart = (input: RelayInput): void =>
  checkStart(() => {
    demand('the input', input, { shard: isCount, shards: isCount });
    expectWorkflowId(relayWorkflowId(input.shard));
  });

export const checkWakeupRelayStart = (): void => checkStart(() => expectWorkflowId(WAKEUP_RELAY_ID));

export const checkEventVersionStart = (input: EventVersionInput): void =>
  checkStart(() => {
    checkEventVersionInput(input);
    expectWorkflowId(eventVersionWorkflowId(input.topic));
  });

export const checkRetentionStart = (): void => checkStart(() => expectWorkflowId(RETENTION_ID));

function expectWorkflowId(expected: string): void {
  const { workflowId } = workflowInfo();
  if (workflowId !== expected)
    throw malformed(`this input belongs to the workflow id ${expected}, and this one is ${workflowId}`);
}

/** Only a run that is refused asks for the patch: every other one has the history that it always had. */
function checkStart(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (patched(STARTS_CHECKED)) throw error;
  }
}
