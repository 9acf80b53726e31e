/**
 * What holds at every entrance: what cannot be taken is refused in words, never by another exception. What REST and
 * Kafka take, the workflow takes too, and it is kept as it is: in JSON, in UTF-8, in Postgres.
 */
import { NOW, invoices } from './step-samples.ts';
import type { Invoice, StepBodies } from '../../invoices/lifecycle.ts';
import { isDeepStrictEqual } from 'node:util';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { Problem } from '../../api/problems.ts';
import { type Command, decide } from '../../invoices/invoice.ts';
import { type Step, allowedActions } from '../../invoices/lifecycle.ts';
import { parseStaffBody } from '../../invoices/staff-body.ts';
import { checkStepRequest } from '../../workflows/invoice-requests.ts';

/**
 * Tries so many values, and tells of how many in a hundred something was made: where nothing is taken, little is tried.
 */
export function takenOf<T>(runs: number, arbitrary: fc.Arbitrary<T>, take: (value: T) => unknown): number {
  let taken = 0;
  const property = fc.property(arbitrary, (value) => {
    if (take(value) !== undefined) taken += 1;
  });
  fc.assert(property, { numRuns: runs });
  return (100 * taken) / runs;
}

/** What `action` gives; undefined when it refuses in words. */
export function unlessRefused<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Problem && error.code !== 'internal_error' && error.message !== '') return undefined;
    if (error instanceof ApplicationFailure && error.type === 'malformed_request') return undefined;
    throw error;
  }
}

/** Throws unless a value is the same wherever it goes. */
export function mustBeStored(value: unknown): void {
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)) throw new Error('JSON changes it.');
  for (const text of textsIn(value)) {
    if (Buffer.from(text).toString() !== text) throw new Error(`UTF-8 changes ${JSON.stringify(text)}.`);
    if (text.includes('\0')) throw new Error(`Postgres does not hold ${JSON.stringify(text)}.`);
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** An invoice that can take the step; none for the one that makes it. */
const stateBefore = (step: Step): Invoice | null =>
  Object.values(invoices).find(({ status }) => allowedActions(status).includes(step)) ?? null;

/** Throws unless the workflow takes the body and the rules have an answer to it, after which the invoice is right. */
export function mustBeCarriedOut<S extends Step>(step: S, body: StepBodies[S]): void {
  checkStepRequest({ actor: 'ann', body });
  mustBeStored(body);
  const { tenantId, id: invoiceId } = invoices.draft;
  const command = { step, tenantId, invoiceId, acceptedAt: NOW, expectedVersion: null, body } as Command<S>;
  const decision = decide(stateBefore(step), command, { cashier: { accepts: () => true } });
  if (decision.kind !== 'accepted') return;
  mustBeStored(decision.state);
  const { name, amountMinor, currency, customerReference, dueDate, cashierId } = decision.state;
  const after = { name, amountMinor, currency, customerReference, dueDate, cashierId };
  if (!isDeepStrictEqual(parseStaffBody('create', { body: after, acceptedAt: NOW }, null), { data: after }))
    throw new Error('It is not right.');
}
