/**
 * Whose command an update is. Our own senders say it (commands/key.ts). Staff do not, and the command is theirs then.
 *
 * Always true:
 * 1. The key of staff's command names the invoice: one Update ID, a ticket's number say, may be used at every invoice.
 * 2. The fingerprint covers the step and all that was asked for.
 * 3. An identity counts for the update that it was made for. Copied from a history, it is refused.
 */
import type { CommandIdentity, StepRequest } from './contract/invoice.ts';
import { staffKey } from '../commands/staff-key.ts';
import type { Step } from '../invoices/lifecycle.ts';
import { malformed } from './failures.ts';

/** An update as it arrived: at which invoice, under which id, and when (RFC 3339). */
interface Arrival {
  invoiceId: string;
  updateId: string;
  now: string;
}

/** Instants are written as Postgres gives them back, whatever offset the sender has. */
export function identityOf(
  step: Step,
  { body, expectedVersion, identity }: StepRequest,
  { invoiceId, updateId, now }: Arrival,
): CommandIdentity {
  if (identity) return { ...identity, acceptedAt: new Date(identity.acceptedAt).toISOString() };
  return {
    key: staffKey(invoiceId, updateId),
    fingerprint: `${step} ${sortedJson({ body, expectedVersion: expectedVersion ?? null })}`,
    attemptId: updateId,
    acceptedAt: now,
  };
}

/** Throws unless the identity, if there is one, is this update's own. */
export function checkIdentity(step: Step, { identity }: StepRequest, updateId: string | undefined): void {
  if (identity && identity.attemptId !== updateId)
    throw malformed('identity is set by the service, and this one belongs to another update; leave it out');
  if (!identity && step === 'create')
    throw malformed(
      'create is sent by the service alone; an invoice is drafted over REST, and changed here with update, finalize, pay or cancel',
    );
}

/** The same text whatever the order of members. */
const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
