/** The routes that change an invoice, one a step: derived from the steps' definitions. */
import { schemaOf } from '../../values/schema.ts';
import type { SendDeps } from '../../commands/send-update.ts';
import { kebabCase } from 'change-case';
import { z } from 'zod';
import { fingerprintOf, restKey } from '../../commands/key.ts';
import { keyReused } from '../../commands/refusal.ts';
import { type CommandLookUp, lookUpCommand } from '../../invoices/command-look-up.ts';
import { lookUpFor } from '../../invoices/commands.ts';
import { dueDateErrorIn } from '../../invoices/due.ts';
import { invoiceIdOf } from '../../invoices/id.ts';
import { decide } from '../../invoices/invoice.ts';
import { type Invoice, type Step, type StepBodies, isFinal, stepNames, stepOf } from '../../invoices/lifecycle.ts';
import { invoiceNotFound } from '../../invoices/refusals.ts';
import { type OutgoingCommand, type SendResult, sendCommand } from '../../invoices/send.ts';
import { type WireInvoice, invoiceSchema } from '../../invoices/wire.ts';
import type { Database } from '../../platform/database.ts';
import { etag, expectedVersion } from '../headers.ts';
import { Problem, type ProblemCode, commandStopped, everyCommand, problemOf, unavailable } from '../problems.ts';
import type { AnswerHeader, Call, Method, Reply, Route } from '../route.ts';
import { idOrNotFound, parseOrRefuse } from '../validation.ts';
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
const byId = z.object({ id: z.string().meta({ description: 'The invoice’s id' }) });
const pending = {
  description: 'Accepted, not carried out yet: ask at Location',
  schema: operationSchema,
  headers: ['Location', 'Retry-After'],
} as const;
const answer = (description: string) => ({ description, schema: invoiceSchema, headers: answerHeaders });

export const invoiceCommandRoutes = (deps: InvoiceCommandDeps): Route[] =>
  stepNames.map((step) => (step === 'create' ? creating(deps) : changing(deps, step)));

function creating(deps: InvoiceCommandDeps): Route {
  return {
    ...routeOf(deps, 'create', byWorkflow),
    command: { ifMatch: false },
    answers: { 201: { ...answer('The draft'), headers: ['Location', ...answerHeaders] }, 202: pending },
  };
}

function changing(deps: InvoiceCommandDeps, step: Step): Route {
  return {
    ...routeOf(deps, step, existing),
    params: byId,
    command: { ifMatch: true },
    answers: { 200: answer('The invoice after the step'), 202: pending },
  };
}

/** What the routes of all steps have in common; `problems` are beside the step's own. */
function routeOf(
  deps: InvoiceCommandDeps,
  step: Step,
  problems: readonly ProblemCode[],
): Omit<Route, 'command' | 'answers'> {
  const { summary, description, examples, refusals, body } = stepOf(step);
  const { method, path } = placeOf(step);
  const schema = schemaOf(body);
  return {
    method,
    path,
    operationId: `${step}Invoice`,
    summary,
    ...(description === undefined ? {} : { description }),
    tag: 'Invoices',
    scope: `invoices:${step}`,
    body: { schema, required: !schema.safeParse(undefined).success, examples },
    problems: [...problems, ...(Object.keys(refusals) as ProblemCode[])],
    handle: (call) => carryOut(deps, step, call, parseBody(schema, call) as StepBodies[Step]),
  };
}

const placeOf = (step: Step): { method: Method; path: string } =>
  stepOf(step).http ?? { method: 'post', path: `/v1/invoices/{id}/${kebabCase(step)}` };

/** What depends on the day is told together with the other faults; alone it is the rules that refuse it. */
export function parseBody<T extends z.ZodType>(schema: T, { body, acceptedAt }: Pick<Call, 'body' | 'acceptedAt'>) {
  const wrongDay = dueDateErrorIn(body, acceptedAt);
  return parseOrRefuse(schema, body, wrongDay ? [wrongDay] : []);
}

/** What a command is beside its step and its body. A new invoice gets an id that is made of the key. */
interface Asking extends Pick<Call, 'identity' | 'acceptedAt' | 'idempotencyKey'> {
  invoiceId?: string;
  expectedVersion?: number | null;
}

/** A command of REST: sent again with its key, by whichever route, it is the same one. */
export function commandOf<S extends Step>(
  step: S,
  body: StepBodies[S],
  { identity: { tenantId, actor }, acceptedAt, idempotencyKey, invoiceId: given, expectedVersion: seen = null }: Asking,
): OutgoingCommand<S> {
  const { method, path } = placeOf(step);
  const key = restKey(tenantId, idempotencyKey);
  const invoiceId = given ?? invoiceIdOf(tenantId, key);
  const fingerprint = fingerprintOf({ method, route: path.replace('{id}', invoiceId), ifMatch: seen, body });
  return { step, tenantId, invoiceId, actor, body, key, fingerprint, acceptedAt, expectedVersion: seen };
}

/** The order of checks is docs/rules.md's: key, existence, and what is final already need no workflow. */
async function carryOut<S extends Step>(
  deps: InvoiceCommandDeps,
  step: S,
  call: Call,
  body: StepBodies[S],
): Promise<Reply> {
  const deadline = Date.parse(call.acceptedAt) + deps.requestDeadlineMs;
  const command =
    step === 'create'
      ? commandOf(step, body, call)
      : commandOf(step, body, {
          ...call,
          expectedVersion: expectedVersion(call.header('If-Match')),
          invoiceId: idOrNotFound(call, invoiceNotFound),
        });
  // A key that was made for this call has no answer, and the draft has an id that is made of it.
  const isFirst = step === 'create' && call.header('Idempotency-Key') === undefined;
  const { known, invoice } = isFirst ? nothingKnown : await lookUpCommand(deps.database, command);
  if (known === 'reused') throw problemOf(keyReused());
  if (known) return replyWith(step, known, true);
  if (step !== 'create') await refuseWhatIsFinal(deps.database, command, invoice);
  return replyTo(step, command, await sendCommand(deps.send, command, deadline));
}

const nothingKnown: CommandLookUp = { known: null, invoice: null };

/** Nothing changes an invoice that is final, so the rules can refuse without asking its workflow. */
async function refuseWhatIsFinal(database: Database, command: OutgoingCommand, invoice: Invoice | null): Promise<void> {
  if (!invoice) throw problemOf(invoiceNotFound(command.invoiceId));
  if (!isFinal(invoice.status)) return;
  const decision = decide(invoice, command, await lookUpFor(database, command, invoice));
  if (decision.kind === 'refused') throw problemOf(decision.refusal);
}

function replyTo(step: Step, { invoiceId }: OutgoingCommand, result: SendResult): Reply {
  switch (result.kind) {
    case 'answered':
      return replyWith(step, result.answer.invoice, result.answer.replayed);
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
