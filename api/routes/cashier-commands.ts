/** The routes that change a cashier, one a step: derived from the steps' definitions. */
import { z } from 'zod';
import { type CashierOutcome, type CashierRequest, carryOutCashierCommand } from '../../cashiers/commands.ts';
import { cashierIdOf } from '../../cashiers/id.ts';
import { type AnyCashierStep, type CashierStep, cashierStepNames, cashierStepOf } from '../../cashiers/lifecycle.ts';
import { cashierNotFound } from '../../cashiers/refusals.ts';
import { type WireCashier, cashierSchema } from '../../cashiers/members.ts';
import { fingerprintOf, newAttemptId, restKey } from '../../commands/key.ts';
import { parseFields } from '../../commands/parse.ts';
import { invalidFields } from '../../commands/refusal.ts';
import type { TransactionDeps } from '../../commands/transaction.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import { type Database, LONG_WAIT_MS } from '../../platform/database.ts';
import { etag, expectedVersion } from '../headers.ts';
import { type ProblemCode, everyCommand, problemOf } from '../problems.ts';
import type { AnswerHeader, Call, Reply, Route } from '../route.ts';
import { idOrNotFound, parseOrRefuse } from '../validation.ts';

export interface CashierCommandDeps {
  database: Database;
  wire: WireSettings;
}

const byId = z.object({ id: z.string().meta({ description: 'The cashier’s id' }) });

export function cashierCommandRoutes({ database, wire }: CashierCommandDeps): Route[] {
  // The relays look by themselves: they run in the workers, which a request does not reach.
  const deps: TransactionDeps = { database, wire, notify: () => undefined, waitMs: LONG_WAIT_MS };
  return cashierStepNames.map((step) => routeOf(deps, step));
}

function routeOf(deps: TransactionDeps, step: CashierStep): Route {
  const definition = cashierStepOf(step);
  const { http, summary, description, ifMatch, inPath, request, refusals, answer } = definition;
  const isNew = step === 'create';
  const headers: AnswerHeader[] = [
    ...(isNew ? (['Location'] as const) : []),
    ...(answer.schema === cashierSchema ? (['ETag'] as const) : []),
    'Idempotency-Replayed',
  ];
  const problems: ProblemCode[] = [
    ...everyCommand,
    ...(isNew ? [] : (['cashier_not_found'] as const)),
    ...(ifMatch ? (['version_conflict'] as const) : []),
    ...(Object.keys(refusals) as ProblemCode[]),
  ];
  return {
    method: http.method,
    path: http.path,
    operationId: http.operationId ?? `${step}Cashier`,
    summary,
    ...(description === undefined ? {} : { description }),
    tag: 'Cashiers',
    scope: 'cashiers:write',
    ...(isNew ? {} : { params: byId.extend(inPath?.shape ?? {}) }),
    command: { ifMatch },
    ...(request ? { body: { ...request, required: true } } : {}),
    answers: {
      [statusOf(step)]: {
        description: answer.description,
        ...(answer.schema ? { schema: answer.schema } : {}),
        headers,
      },
    },
    problems,
    handle: async (call) =>
      replyTo(step, await carryOutCashierCommand(deps, requestOf(step, call, bodyOf(definition, call)))),
  };
}

function statusOf(step: CashierStep): 200 | 201 | 204 {
  if (step === 'create') return 201;
  return cashierStepOf(step).answer.schema ? 200 : 204;
}

/** What is wrong with the path is told together with what is wrong with the body. */
function bodyOf({ inPath = z.object({}), request, body }: AnyCashierStep, call: Call): unknown {
  const path = parseFields(inPath, call.params);
  const wrong = 'errors' in path ? path.errors : [];
  const sent = request ? parseOrRefuse(request.schema, call.body, wrong) : undefined;
  if ('errors' in path) throw problemOf(invalidFields(wrong));
  return body(sent, path.data);
}

/** The command that a call with this body asks for. */
function requestOf(step: CashierStep, call: Call, body: unknown): CashierRequest {
  const { http, ifMatch } = cashierStepOf(step);
  const { tenantId, actor } = call.identity;
  const key = restKey(tenantId, call.idempotencyKey);
  const expected = ifMatch ? expectedVersion(call.header('If-Match')) : null;
  const cashierId = step === 'create' ? cashierIdOf(tenantId, key) : idOrNotFound(call, cashierNotFound);
  const route = step === 'create' ? http.path : http.path.replace('{id}', cashierId);
  return {
    step,
    body,
    tenantId,
    cashierId,
    actor,
    key,
    fingerprint: fingerprintOf({ method: http.method, route, ifMatch: expected, body }),
    attemptId: newAttemptId(),
    acceptedAt: call.acceptedAt,
    expectedVersion: expected,
  } as CashierRequest;
}

function replyTo(step: CashierStep, outcome: CashierOutcome): Reply {
  if (outcome.kind === 'refused') throw problemOf(outcome.refusal);
  const { kind, answer } = outcome;
  return {
    status: statusOf(step),
    headers: {
      ...(answer && 'version' in answer ? headersOf(step, answer) : {}),
      ...(kind === 'replayed' ? { 'Idempotency-Replayed': 'true' } : {}),
    },
    ...(answer ? { body: answer } : {}),
  };
}

const headersOf = (step: CashierStep, { id, version }: WireCashier): Record<string, string> => ({
  ...(step === 'create' ? { Location: `/v1/cashiers/${id}` } : {}),
  ETag: etag(version),
});
