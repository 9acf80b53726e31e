/** The routes that change an invoice: create, update, finalize, pay, cancel. */
import { z } from 'zod';
import { fingerprintOf, invoiceIdOf, storedKey } from '../../commands/key.ts';
import { type OutgoingCommand, type SendDeps, type SendResult, sendCommand } from '../../invoices/send.ts';
import { keyReused } from '../../commands/transaction.ts';
import type { FieldError } from '../../commands/refusal.ts';
import {
  type Invoice,
  type PayBody,
  type StepBodies,
  decide,
  dueDateError,
  invoiceNotFound,
} from '../../invoices/invoice.ts';
import {
  type WireInvoice,
  calendarDate,
  cancelInvoiceSchema,
  createInvoiceSchema,
  finalizeInvoiceSchema,
  invoiceSchema,
  payInvoiceSchema,
  updateInvoiceSchema,
  uuid,
} from '../../invoices/schemas.ts';
import { type Step, isFinal } from '../../invoices/lifecycle.ts';
import type { Database } from '../../platform/database.ts';
import { lookUpCommand } from '../../invoices/command-look-up.ts';
import { paymentWithReference } from '../../invoices/payment-with-reference.ts';
import { etag, expectedVersion } from '../headers.ts';
import { Problem, type ProblemCode, commandStopped, everyCommand, problemOf, unavailable } from '../problems.ts';
import type { AnswerHeader, Call, Reply, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';
import { operationSchema } from './operations.ts';

export interface InvoiceCommandDeps {
  database: Database;
  send: SendDeps;
  requestDeadlineMs: number;
}

const answerHeaders: readonly AnswerHeader[] = ['ETag', 'Idempotency-Replayed'];
const byWorkflow: readonly ProblemCode[] = [...everyCommand, 'attempt_stopped'];
const existing: readonly ProblemCode[] = [
  ...byWorkflow,
  'invoice_not_found',
  'version_conflict',
  'transition_not_allowed',
];
const payProblems: readonly ProblemCode[] = [
  'payment_reference_used',
  'currency_mismatch',
  'payment_below_amount',
  'payment_above_amount',
];
const byId = z.object({ id: z.string().meta({ description: 'The invoice’s id' }) });
const pending = {
  description: 'Accepted, not carried out yet: ask at Location',
  schema: operationSchema,
  headers: ['Location', 'Retry-After'],
} as const;
const answer = (description: string) => ({ description, schema: invoiceSchema, headers: answerHeaders });

interface CommandRoute<S extends Step> extends Pick<Route, 'method' | 'path' | 'summary' | 'description' | 'problems'> {
  step: S;
  body: NonNullable<Route['body']> & { schema: z.ZodType<StepBodies[S]> };
}

export function invoiceCommandRoutes(deps: InvoiceCommandDeps): Route[] {
  const route = <S extends Step>({ step, ...row }: CommandRoute<S>): Route => ({
    ...row,
    operationId: `${step}Invoice`,
    tag: 'Invoices',
    command: { ifMatch: step !== 'create' },
    ...(step === 'create' ? {} : { params: byId }),
    answers:
      step === 'create'
        ? { 201: { ...answer('The draft'), headers: ['Location', ...answerHeaders] }, 202: pending }
        : { 200: answer('The invoice after the step'), 202: pending },
    handle: (call) => carryOut(deps, step, row.path, call, parseBody(row.body.schema, call)),
  });
  return [
    route({
      step: 'create',
      method: 'post',
      path: '/v1/invoices',
      summary: 'Draft an invoice',
      body: {
        schema: createInvoiceSchema,
        required: true,
        examples: { shortest: { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' } },
      },
      problems: [...byWorkflow, 'unknown_cashier', 'currency_not_accepted'],
    }),
    route({
      step: 'update',
      method: 'patch',
      path: '/v1/invoices/{id}',
      summary: 'Change a draft',
      description:
        'Absent members are unchanged, null clears. An amount alone is in the invoice’s currency; a currency alone must fit the amount.',
      body: {
        schema: updateInvoiceSchema,
        required: true,
        examples: { price: { amount: '1300.00', currency: 'EUR' } },
      },
      problems: [...existing, 'unknown_cashier', 'currency_not_accepted'],
    }),
    route({
      step: 'finalize',
      method: 'post',
      path: '/v1/invoices/{id}/finalize',
      summary: 'Give a draft its public number',
      description: 'Without a due date it becomes due in 30 days.',
      body: { schema: finalizeInvoiceSchema, required: false, examples: { nothing: {} } },
      problems: existing,
    }),
    route({
      step: 'pay',
      method: 'post',
      path: '/v1/invoices/{id}/pay',
      summary: 'Record the payment of a finalized invoice',
      description: 'The amount must be what is open. A reference that was used for the same payment is answered again.',
      body: {
        schema: payInvoiceSchema,
        required: true,
        examples: {
          transfer: { amount: '1200.00', currency: 'EUR', method: 'bank transfer', reference: 'PAY-2026-000812' },
        },
      },
      problems: [...existing, ...payProblems],
    }),
    route({
      step: 'cancel',
      method: 'post',
      path: '/v1/invoices/{id}/cancel',
      summary: 'Cancel a draft or a finalized invoice',
      body: { schema: cancelInvoiceSchema, required: false, examples: { reason: { reason: 'Ordered twice' } } },
      problems: existing,
    }),
  ];
}

/** What depends on the day is told together with the other faults; alone it is the rules that refuse it. */
function parseBody<T extends z.ZodType>(schema: T, { body, acceptedAt }: Call): z.output<T> {
  const date = calendarDate.safeParse((body as { dueDate?: unknown } | null | undefined)?.dueDate);
  const wrongDay: FieldError | undefined = date.success ? dueDateError(date.data, acceptedAt) : undefined;
  return parseOrRefuse(schema, body, wrongDay ? [wrongDay] : []);
}

/** The order of checks is docs/rules.md's: key, existence, and what is final already need no workflow. */
async function carryOut<S extends Step>(
  deps: InvoiceCommandDeps,
  step: S,
  path: string,
  call: Call,
  body: StepBodies[S],
): Promise<Reply> {
  const deadline = Date.parse(call.acceptedAt) + deps.requestDeadlineMs;
  const { tenantId, actor } = call.identity;
  const key = storedKey('rest', tenantId, call.idempotencyKey);
  const ifMatch = step === 'create' ? null : expectedVersion(call.header('If-Match'));
  const invoiceId = step === 'create' ? invoiceIdOf(tenantId, key) : existingId(call.params['id']);
  const route = step === 'create' ? path : path.replace('{id}', invoiceId);
  const command: OutgoingCommand<S> = {
    step,
    tenantId,
    invoiceId,
    actor,
    body,
    key,
    fingerprint: fingerprintOf({ method: call.method, route, ifMatch, body }),
    acceptedAt: call.acceptedAt,
    expectedVersion: ifMatch,
  };
  const { known, invoice } = await lookUpCommand(deps.database, command);
  if (known === 'reused') throw problemOf(keyReused());
  if (known) return replyWith(step, known, true);
  if (step !== 'create') await refuseWhatIsFinal(deps.database, command, invoice);
  return replyTo(step, command, await sendCommand(deps.send, command, deadline));
}

function existingId(text: string | undefined): string {
  const id = uuid.safeParse(text);
  if (!id.success) throw problemOf(invoiceNotFound(text ?? ''));
  return id.data;
}

/** Nothing changes an invoice that is final, so the rules can refuse without asking its workflow. */
async function refuseWhatIsFinal(database: Database, command: OutgoingCommand, invoice: Invoice | null): Promise<void> {
  if (!invoice) throw problemOf(invoiceNotFound(command.invoiceId));
  if (!isFinal(invoice.status)) return;
  const reference = command.step === 'pay' ? (command.body as PayBody).reference : null;
  const facts =
    reference === null
      ? {}
      : { paymentWithReference: await paymentWithReference(database, command.tenantId, reference) };
  const decision = decide(invoice, command, facts);
  if (decision.kind === 'refused') throw problemOf(decision.refusal);
}

function replyTo(step: Step, { invoiceId }: OutgoingCommand, result: SendResult): Reply {
  switch (result.kind) {
    case 'answered':
      return replyWith(step, result.invoice, result.replayed);
    case 'refused':
      throw problemOf(result.refusal);
    case 'failed':
      throw new Problem('internal_error', 'The command could not be carried out; nothing was changed.');
    case 'stopped':
      throw commandStopped(result.detail);
    case 'pending':
      return {
        status: 202,
        headers: {
          Location: `/v1/operations/${result.attemptId}?invoiceId=${invoiceId}`,
          'Retry-After': '1',
        },
        body: { attemptId: result.attemptId, status: 'pending', invoice: null, problem: null },
      };
    case 'unknown':
      throw unavailable(
        'Nobody answered in time; whether the command was carried out is not known. Send it again with the same Idempotency-Key.',
        result.because,
      );
  }
}

const replyWith = (step: Step, invoice: WireInvoice, replayed: boolean): Reply => ({
  status: step === 'create' ? 201 : 200,
  headers: {
    ETag: etag(invoice.version),
    ...(step === 'create' ? { Location: `/v1/invoices/${invoice.id}` } : {}),
    ...(replayed ? { 'Idempotency-Replayed': 'true' } : {}),
  },
  body: invoice,
});
