/** The routes of dead letters: what could not be handled, and a person's decision about it. */
import type { SendDeps } from '../../commands/send-update.ts';
import { textOf } from '../../messaging/utf8.ts';
import { EVENT_BYTES_MAX } from '../../messaging/event-sink.ts';
import { uuidIn } from '../../values/text.ts';
import { instant } from '../../values/schema.ts';
import { z } from 'zod';
import { type DecisionResult, sendDecision } from '../../dead-letters/send.ts';
import { tooLarge } from '../../dead-letters/blocked-event.ts';
import {
  DECISIONS_MAX,
  type WireDeadLetter,
  type WireDeadLetterSummary,
  deadLetterListSchema,
  deadLetterSchema,
  decideSchema,
  editSchema,
  listDeadLettersSchema,
} from '../../dead-letters/schemas.ts';
import {
  type DeadLetterAction,
  type Resolution,
  actionNames,
  deadLetterActions,
} from '../../dead-letters/dead-letter.ts';
import type { Database } from '../../platform/database.ts';
import { decisionsOf } from '../../dead-letters/decisions.ts';
import {
  type DeadLetterPosition,
  type DeadLetterRow,
  type DeadLetterSummaryRow,
  deadLetterById,
  listDeadLetters,
  tenantOrNil,
} from '../../dead-letters/rows.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { Problem, type ProblemCode, everyRead, unavailable } from '../problems.ts';
import { untilDeadline } from '../retry.ts';
import type { Call, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

export interface DeadLetterDeps {
  database: Database;
  send: SendDeps;
  requestDeadlineMs: number;
}

const DEAD_LETTERS = '/v1/dead-letters';
const byId = z.object({ id: z.string().meta({ description: 'The dead letter’s id' }) });
const ofOne: readonly ProblemCode[] = [...everyRead, 'dead_letter_not_found'];
const decideProblems: readonly ProblemCode[] = [
  ...ofOne,
  'validation_failed',
  'too_many_commands',
  'dead_letter_resolved',
  'decision_refused',
  'attempt_stopped',
];
/** A payload is a JSON text in a JSON body: whatever is escaped there, a byte of it becomes six at most. */
const EDIT_BODY_MAX = 6 * EVENT_BYTES_MAX + 64 * 1024;

export const deadLetterRoutes = (deps: DeadLetterDeps): Route[] => [
  listRoute(deps.database),
  getRoute(deps.database),
  ...actionNames.map((action) => decideRoute(deps, action)),
];

function decideRoute(deps: DeadLetterDeps, action: DeadLetterAction): Route {
  const { summary, description, example } = deadLetterActions[action];
  const schema = action === 'edit' ? editSchema : decideSchema;
  return {
    method: 'post',
    path: `/v1/dead-letters/{id}/${action}`,
    operationId: `${action}DeadLetter`,
    summary,
    description,
    tag: 'Dead letters',
    scope: 'dead-letters:decide',
    ofNoTenant: true,
    params: byId,
    body: { schema, required: true, examples: { example } },
    ...(action === 'edit' ? { bodyMax: EDIT_BODY_MAX } : {}),
    answers: { 200: { description: 'The dead letter after the decision', schema: deadLetterSchema } },
    problems: action === 'edit' ? [...decideProblems, 'payload_refused'] : decideProblems,
    handle: async (call) => {
      const request = parseOrRefuse(schema, call.body);
      return { status: 200, body: await toWire(deps.database, await decide(deps, action, call, request)) };
    },
  };
}

const getRoute = (database: Database): Route => ({
  method: 'get',
  path: '/v1/dead-letters/{id}',
  operationId: 'getDeadLetter',
  summary: 'Read a dead letter, with the message as it came',
  tag: 'Dead letters',
  scope: 'dead-letters:read',
  ofNoTenant: true,
  params: byId,
  answers: { 200: { description: 'The dead letter', schema: deadLetterSchema } },
  problems: ofOne,
  handle: async (call) => ({ status: 200, body: await toWire(database, await find(database, call)) }),
});

function listRoute(database: Database): Route {
  return {
    method: 'get',
    path: DEAD_LETTERS,
    operationId: 'listDeadLetters',
    summary: 'List messages that could not be handled and events that Kafka refuses, newest first',
    tag: 'Dead letters',
    scope: 'dead-letters:read',
    ofNoTenant: true,
    query: listDeadLettersSchema,
    answers: { 200: { description: 'One page', schema: deadLetterListSchema } },
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity, query }) => {
      const { cursor, ...filter } = parseOrRefuse(listDeadLettersSchema, query);
      const after = positionOf(DEAD_LETTERS, positionSchema, cursor);
      const { deadLetters, next } = await listDeadLetters(database, identity.tenantId, filter, after);
      return {
        status: 200,
        body: {
          items: deadLetters.map(toSummary),
          nextCursor: next && cursorOf(DEAD_LETTERS, next.openedAt, next.id),
        },
      };
    },
  };
}

/** An unknown, a malformed and another tenant's id cannot be told apart. */
async function find(database: Database, { identity, params }: Call): Promise<DeadLetterRow> {
  const id = uuidIn(params['id']);
  const deadLetter = id ? await deadLetterById(database, id) : null;
  if (!deadLetter || tenantOrNil(deadLetter) !== identity.tenantId)
    throw new Problem('dead_letter_not_found', `There is no dead letter ${params['id'] ?? ''}.`);
  return deadLetter;
}

/** The operator is the caller. What is resolved already needs no workflow. */
async function decide(
  { database, send, requestDeadlineMs }: DeadLetterDeps,
  action: DeadLetterAction,
  call: Call,
  request: { reason: string; payload?: string },
): Promise<DeadLetterRow> {
  const deadLetter = await find(database, call);
  if (deadLetter.resolvedAt !== null) throw resolved(deadLetter);
  // Temporal would take no more than about twice as much.
  const why = request.payload === undefined ? undefined : tooLarge(request.payload);
  if (why !== undefined) throw new Problem('payload_refused', why);
  const deadline = Date.parse(call.acceptedAt) + requestDeadlineMs;
  const result = await sendDecision(send, deadLetter, action, { operator: call.identity.actor, ...request }, deadline);
  // What is done is not sent again because it could not be read at once.
  const after = await untilDeadline(deadline, () => find(database, call));
  refuseUnlessDecided(result, after);
  return after;
}

function refuseUnlessDecided(result: DecisionResult, deadLetter: DeadLetterRow): void {
  switch (result.kind) {
    case 'answered':
      return;
    case 'resolved':
      throw resolved(deadLetter);
    case 'refused':
      throw new Problem(result.because, result.detail);
    case 'failed':
      throw new Problem('internal_error', 'The decision could not be carried out; nothing was recorded.');
    case 'stopped':
      throw new Problem(
        'attempt_stopped',
        `${result.detail} Read the dead letter, and send the decision again if it is still wanted.`,
      );
    case 'pending':
    case 'unknown':
      throw unavailable(
        'Nobody answered in time; whether the decision was carried out is not known. Read the dead letter, and send the decision again when it is still open.',
      );
  }
}

/** Of a dead letter that is resolved. */
const resolved = ({ resolution, resolvedBy }: DeadLetterRow): Problem =>
  new Problem('dead_letter_resolved', `It was ${resolution} by ${resolvedBy}.`, {
    resolution: resolution as Resolution,
    resolvedBy: resolvedBy as string,
  });

const positionSchema = z
  .tuple([instant(), z.guid()])
  .transform(([openedAt, id]): DeadLetterPosition => ({ openedAt, id }));

const toSummary = (row: DeadLetterSummaryRow): WireDeadLetterSummary => ({
  id: row.id,
  direction: row.direction as WireDeadLetterSummary['direction'],
  status: row.resolvedAt === null ? 'open' : 'resolved',
  topic: row.topic,
  partition: row.partition,
  offset: row.offset === null ? null : String(row.offset),
  source: row.source,
  eventId: row.eventId,
  type: row.type,
  reason: row.reason,
  detail: row.detail,
  attempts: row.attempts,
  openedAt: row.openedAt.toISOString(),
  resolution: row.resolution as WireDeadLetterSummary['resolution'],
  resolvedBy: row.resolvedBy,
  resolvedReason: row.resolvedReason,
  resolvedAt: row.resolvedAt?.toISOString() ?? null,
});

const toWire = async (database: Database, row: DeadLetterRow): Promise<WireDeadLetter> => ({
  ...toSummary(row),
  key: row.key && Buffer.from(row.key).toString('utf8'),
  headers: JSON.parse(row.headers) as Record<string, string>,
  payload: textOf(row.value),
  editedPayload: row.editedValue && textOf(row.editedValue),
  decisions: await decisionsOf(database, row, DECISIONS_MAX),
});
