/** The routes that change a cashier: create, update, delete, and the currencies it accepts. */
import { uuidIn } from '../../values/text.ts';
import { cashierSchema } from '../../cashiers/members.ts';
import { currency } from '../../values/schema.ts';
import { z } from 'zod';
import {
  type CashierAnswers,
  type CashierOutcome,
  type CashierRequest,
  carryOutCashierCommand,
} from '../../cashiers/commands.ts';
import { fingerprintOf, newAttemptId, storedKey } from '../../commands/key.ts';
import { cashierIdOf } from '../../cashiers/id.ts';
import type { TransactionDeps } from '../../commands/transaction.ts';
import { type CashierBodies, type CashierStep, cashierNotFound } from '../../cashiers/cashier.ts';
import {
  acceptCurrencySchema,
  acceptedCurrencySchema,
  createCashierSchema,
  updateCashierSchema,
} from '../../cashiers/schemas.ts';
import type { FieldError } from '../../commands/refusal.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import { type Database, PATIENT_WAIT_MS } from '../../platform/database.ts';
import { etag, expectedVersion } from '../headers.ts';
import { type ProblemCode, everyCommand, problemOf } from '../problems.ts';
import type { AnswerHeader, Call, Reply, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

export interface CashierCommandDeps {
  database: Database;
  wire: WireSettings;
}

const replayed: readonly AnswerHeader[] = ['Idempotency-Replayed'];
const existing: readonly ProblemCode[] = [...everyCommand, 'cashier_not_found'];
const byId = z.object({ id: z.string().meta({ description: 'The cashier’s id' }) });
const codeSchema = z.object({ code: currency() });
const byIdAndCode = byId.extend({ code: z.string().meta({ description: 'ISO 4217 code', example: 'EUR' }) });
const noContent = (description: string) => ({ 204: { description, headers: replayed } });

interface CommandRoute<S extends CashierStep> extends Omit<Route, 'operationId' | 'tag' | 'command' | 'handle'> {
  step: S;
  operationId?: string;
  ifMatch?: boolean;
  parse: (call: Call) => CashierBodies[S];
  reply: (answer: CashierAnswers[S]) => Reply;
}

export function cashierCommandRoutes({ database, wire }: CashierCommandDeps): Route[] {
  // The relays look by themselves: they run in the workers, which a request does not reach.
  const deps: TransactionDeps = { database, wire, notify: () => undefined, waitMs: PATIENT_WAIT_MS };
  const route = <S extends CashierStep>(row: CommandRoute<S>): Route => {
    const { step, ifMatch = false, parse, reply, operationId = `${step}Cashier`, ...described } = row;
    return {
      ...described,
      operationId,
      tag: 'Cashiers',
      command: { ifMatch },
      handle: async (call) => replyTo(await carryOutCashierCommand(deps, requestOf(row, call, parse(call))), reply),
    };
  };
  return [
    route({
      step: 'create',
      method: 'post',
      path: '/v1/cashiers',
      summary: 'Add a cashier',
      body: {
        schema: createCashierSchema,
        required: true,
        examples: { cashier: { name: 'Kasse Nord', email: 'nord@example.com' } },
      },
      answers: {
        201: { description: 'The cashier', schema: cashierSchema, headers: ['Location', 'ETag', ...replayed] },
      },
      problems: [...everyCommand, 'email_taken'],
      parse: ({ body }) => parseOrRefuse(createCashierSchema, body),
      reply: (cashier) => ({
        status: 201,
        headers: { Location: `/v1/cashiers/${cashier.id}`, ETag: etag(cashier.version) },
        body: cashier,
      }),
    }),
    route({
      step: 'update',
      method: 'patch',
      path: '/v1/cashiers/{id}',
      summary: 'Change a cashier',
      description: 'Absent members are unchanged.',
      params: byId,
      ifMatch: true,
      body: { schema: updateCashierSchema, required: true, examples: { address: { email: 'kasse@example.com' } } },
      answers: {
        200: { description: 'The cashier after the change', schema: cashierSchema, headers: ['ETag', ...replayed] },
      },
      problems: [...existing, 'version_conflict', 'email_taken'],
      parse: ({ body }) => parseOrRefuse(updateCashierSchema, body),
      reply: (cashier) => ({ status: 200, headers: { ETag: etag(cashier.version) }, body: cashier }),
    }),
    route({
      step: 'delete',
      method: 'delete',
      path: '/v1/cashiers/{id}',
      summary: 'Remove a cashier that no invoice names',
      params: byId,
      ifMatch: true,
      answers: noContent('The cashier is gone'),
      problems: [...existing, 'version_conflict', 'cashier_in_use'],
      parse: () => ({}),
      reply: () => ({ status: 204 }),
    }),
    route({
      step: 'acceptCurrency',
      operationId: 'acceptCurrency',
      method: 'put',
      path: '/v1/cashiers/{id}/currencies/{code}',
      summary: 'Let a cashier accept a currency from a day on',
      description: 'With the first currency listed, the cashier no longer accepts every other one.',
      params: byIdAndCode,
      body: {
        schema: acceptCurrencySchema,
        required: true,
        examples: { fromNewYear: { effectiveFrom: '2030-01-01' } },
      },
      answers: {
        200: { description: 'The currency and its first day', schema: acceptedCurrencySchema, headers: replayed },
      },
      problems: existing,
      parse: parseAcceptCurrency,
      reply: (accepted) => ({ status: 200, body: accepted }),
    }),
    route({
      step: 'dropCurrency',
      operationId: 'dropCurrency',
      method: 'delete',
      path: '/v1/cashiers/{id}/currencies/{code}',
      summary: 'Take a currency off a cashier’s list',
      description: 'Also when it is not listed. With the last one taken off, every currency is accepted again.',
      params: byIdAndCode,
      answers: noContent('The currency is not listed'),
      problems: existing,
      parse: ({ params }) => ({ currency: parseOrRefuse(codeSchema, params).code }),
      reply: () => ({ status: 204 }),
    }),
  ];
}

/** What is wrong with the code in the path is told together with what is wrong with the body. */
function parseAcceptCurrency({ params, body }: Call): CashierBodies['acceptCurrency'] {
  const code = currency().safeParse(params['code']);
  const wrong: FieldError[] = (code.error?.issues ?? []).map(({ message }) => ({
    path: 'code',
    code: 'unknown_currency',
    message,
  }));
  const { effectiveFrom } = parseOrRefuse(acceptCurrencySchema, body, wrong);
  return { currency: parseOrRefuse(codeSchema, params).code, effectiveFrom };
}

/** The command that a call with this body asks for. */
function requestOf<S extends CashierStep>(
  { step, method, path, ifMatch = false }: CommandRoute<S>,
  call: Call,
  body: CashierBodies[S],
): CashierRequest<S> {
  const { tenantId, actor } = call.identity;
  const key = storedKey('rest', tenantId, call.idempotencyKey);
  const expected = ifMatch ? expectedVersion(call.header('If-Match')) : null;
  const cashierId = step === 'create' ? cashierIdOf(tenantId, key) : existingId(call.params['id']);
  const route = step === 'create' ? path : path.replace('{id}', cashierId);
  return {
    step,
    tenantId,
    cashierId,
    actor,
    body,
    key,
    fingerprint: fingerprintOf({ method, route, ifMatch: expected, body }),
    attemptId: newAttemptId(),
    acceptedAt: call.acceptedAt,
    expectedVersion: expected,
  };
}

function existingId(text: string | undefined): string {
  const id = uuidIn(text);
  if (!id) throw problemOf(cashierNotFound(text ?? ''));
  return id;
}

function replyTo<S extends CashierStep>(
  outcome: CashierOutcome<S>,
  reply: (answer: CashierAnswers[S]) => Reply,
): Reply {
  if (outcome.kind === 'refused') throw problemOf(outcome.refusal);
  const { headers, ...rest } = reply(outcome.answer);
  return {
    ...rest,
    headers: { ...headers, ...(outcome.kind === 'replayed' ? { 'Idempotency-Replayed': 'true' } : {}) },
  };
}
