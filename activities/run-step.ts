/**
 * The transaction of a step: the one way in which an invoice changes.
 *
 * Always true:
 * 1. All or nothing: command key, invoice, payment, outbox, audit are one commit.
 * 2. The first statement takes the command's key and the invoice's row. A concurrent twin waits there and then finds
 *    the answer, so a command takes effect once, however often it is sent, retried or re-applied by a reset.
 * 3. No statement fails on purpose: a violated constraint would end the transaction.
 * 4. Locks are taken in this order everywhere: invoice rows by id, streams by name, the number counter.
 */
import { ApplicationFailure } from '@temporalio/common';
import { type Refusal, refusal } from '../domain/errors.ts';
import { type Facts, type Invoice, decide, openAmountMinor } from '../domain/invoice.ts';
import { toWire } from '../domain/invoice-wire.ts';
import type { WireInvoice } from '../domain/invoice-schema.ts';
import type { Step } from '../domain/lifecycle.ts';
import type { WireSettings } from '../events/cloud-event.ts';
import { type AcceptedStep, invoiceFacts } from '../events/invoice-facts.ts';
import { outboxRows, takeSequences } from '../events/outbox.ts';
import {
  type Database,
  type TransactionClient,
  isInfrastructureFailure,
  violatedConstraint,
} from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { INTERNAL_ERROR, type StepCommand, type StepOutcome } from '../workflows/contract.ts';
import { auditEntry, openStep, writeStep } from './step-rows.ts';

export interface StepDeps {
  database: Database;
  wire: WireSettings;
  logger: Logger;
  /** Called after a commit: there is something to publish. */
  nudge: () => void;
}

/** What a step does beside the invoice's own row. */
export interface StepExtras<S extends Step> {
  /** What the decision needs to know, read after the invoice was locked. */
  readFacts?: (tx: TransactionClient, command: StepCommand<S>) => Promise<Facts>;
  /** The last lock: completes the invoice with what only the database can give (its number). */
  complete?: (tx: TransactionClient, invoice: Invoice, command: StepCommand<S>) => Promise<Invoice>;
}

/** Ends the transaction when the rules say no; never leaves this file. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(because: Refusal) {
    super(because.detail);
    this.refusal = because;
  }
}

/**
 * Carries a command out, once. Throws ApplicationFailure: non-retryable with a refusal's code as type and the
 * Refusal as its detail; non-retryable `internal_error` for a bug; retryable when infrastructure failed.
 */
export async function runStep<S extends Step>(
  deps: StepDeps,
  step: S,
  command: StepCommand<S>,
  extras: StepExtras<S> = {},
): Promise<StepOutcome> {
  try {
    const outcome = await deps.database.$transaction((tx) => carryOut(deps, tx, step, command, extras));
    if (outcome.done) deps.nudge();
    return outcome;
  } catch (error) {
    const because = refusalIn(error);
    if (because) {
      await keepRefusal(deps, command, because);
      throw ApplicationFailure.nonRetryable(because.detail, because.code, because);
    }
    throw failureOf(deps, error, step, command);
  }
}

async function carryOut<S extends Step>(
  { wire }: StepDeps,
  tx: TransactionClient,
  step: S,
  command: StepCommand<S>,
  extras: StepExtras<S>,
): Promise<StepOutcome> {
  const { claimed, told, locked } = await openStep(tx, step, command);
  if (!claimed) return { invoice: await storedAnswer(tx, command), done: null };
  if (told) throw new Refused(told);
  const facts = (await extras.readFacts?.(tx, command)) ?? {};
  const decision = decide(locked?.invoice ?? null, { step, ...command }, facts);
  if (decision.kind === 'refused') throw new Refused(decision.refusal);
  if (decision.kind === 'replayed') {
    const invoice = toWire(decision.invoice, command.acceptedAt);
    await keepAnswer(tx, command, invoice);
    return { invoice, done: null };
  }

  const ids = { tenantId: command.tenantId, invoiceId: command.invoiceId };
  const sequences = await takeSequences(tx, invoiceFacts[step], ids, wire.environment);
  const invoice = (await extras.complete?.(tx, decision.invoice, command)) ?? decision.invoice;
  const accepted: AcceptedStep = { ...decision, invoice, acceptedAt: command.acceptedAt };
  const context = { time: new Date().toISOString(), causationId: command.key };
  const answer = toWire(invoice, command.acceptedAt);
  await writeStep(tx, {
    command,
    answer,
    invoice,
    payment: decision.payment,
    audit: auditEntry(locked, step, command, accepted),
    events: outboxRows(invoiceFacts[step], ids, accepted, sequences, context, wire),
  });
  const { version, status } = invoice;
  return {
    invoice: answer,
    done: {
      entry: { version, action: step, at: command.acceptedAt, actor: command.actor, status, reason: decision.reason },
      openAmountMinor: openAmountMinor(invoice),
    },
  };
}

async function storedAnswer(tx: TransactionClient, { tenantId, key, fingerprint }: StepCommand): Promise<WireInvoice> {
  const known = await tx.command.findUniqueOrThrow({ where: { tenantId_key: { tenantId, key } } });
  if (known.fingerprint !== fingerprint || known.answer === null) throw new Refused(keyReused());
  return JSON.parse(known.answer) as WireInvoice;
}

export const keyReused = (): Refusal =>
  refusal('idempotency_key_reused', 'The Idempotency-Key was used for another request.');

async function keepAnswer(tx: TransactionClient, { tenantId, key }: StepCommand, invoice: WireInvoice): Promise<void> {
  await tx.command.updateMany({ where: { tenantId, key }, data: { answer: JSON.stringify(invoice) } });
}

async function keepRefusal(deps: StepDeps, command: StepCommand, because: Refusal): Promise<void> {
  const { tenantId, key, attemptId, fingerprint, invoiceId } = command;
  const { code, detail, members } = because;
  try {
    await deps.database.refusal.createMany({
      data: {
        tenantId,
        key,
        attemptId,
        fingerprint,
        entityId: invoiceId,
        code,
        detail,
        members: JSON.stringify(members),
        recordedAt: new Date(),
      },
      skipDuplicates: true,
    });
  } catch (error) {
    throw failureOf(deps, error, 'keep refusal', command);
  }
}

/** Two payments with one reference at the same moment: the loser's insert says so after the rollback. */
function refusalIn(error: unknown): Refusal | undefined {
  if (error instanceof Refused) return error.refusal;
  if (violatedConstraint(error) !== 'payments_tenant_reference_key') return undefined;
  return refusal('payment_reference_used', 'The payment reference belongs to another payment.');
}

function failureOf(
  { logger }: StepDeps,
  error: unknown,
  step: string,
  { tenantId, invoiceId, attemptId }: StepCommand,
): ApplicationFailure {
  const context = { err: error, step, tenantId, invoiceId, attemptId };
  // Any other violated constraint means that somebody was quicker: decided again, it comes out right.
  if (isInfrastructureFailure(error) || violatedConstraint(error) !== undefined) {
    logger.warn(context, 'a step could not reach its commit, it will be tried again');
    return ApplicationFailure.retryable(
      'The database did not carry the step out; it is tried again.',
      'infrastructure',
    );
  }
  logger.error(context, 'a step failed for a reason that no retry can mend');
  return ApplicationFailure.nonRetryable(
    'The step failed for an unexpected reason; nothing was changed.',
    INTERNAL_ERROR,
  );
}
