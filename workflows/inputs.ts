/**
 * How runs are started: with which input, and under which workflow id. A run that was started by hand with anything
 * else would not find what it is about, or would do beside another what only one may do: it fails at once, and says
 * what was expected.
 */
import { patched, workflowInfo } from '@temporalio/workflow';
import { dateOf } from '../domain/dates.ts';
import {
  type BillingRunInput,
  type DeadLetterBatchInput,
  type DeadLetterInput,
  type InvoiceInput,
  type RelayInput,
  WAKEUP_RELAY_ID,
  billingRunWorkflowId,
  deadLetterBatchWorkflowId,
  deadLetterWorkflowId,
  invoiceWorkflowId,
  relayWorkflowId,
} from './contract.ts';
import { checkDeadLetterInput } from './dead-letter-requests.ts';
import { type Test, checkInput, demand, isUuid, malformed } from './invoice-requests.ts';
import { STARTS_CHECKED } from './patches.ts';

const isDate: Test = (value) =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) && dateOf(value) === value;
const isCount: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

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
    demand('the input', input, { tenantId: isUuid, businessDate: isDate });
    expectWorkflowId(billingRunWorkflowId(input.tenantId, input.businessDate));
  });

export const checkBatchStart = (input: DeadLetterBatchInput): void =>
  checkStart(() => {
    demand('the input', input, { batchId: isUuid });
    expectWorkflowId(deadLetterBatchWorkflowId(input.batchId));
  });

export const checkOutboxRelayStart = (input: RelayInput): void =>
  checkStart(() => {
    demand('the input', input, { shard: isCount, shards: isCount });
    expectWorkflowId(relayWorkflowId(input.shard));
  });

export const checkWakeupRelayStart = (): void => checkStart(() => expectWorkflowId(WAKEUP_RELAY_ID));

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
