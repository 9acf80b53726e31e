/** The routes of dead letters: what could not be handled, and a person's decision about it. */
import { z } from 'zod';
import type { SendDeps } from '../../commands/send.ts';
import { type DecisionResult, sendDecision } from '../../commands/send-decision.ts';
import {
  type WireDeadLetter,
  type WireDeadLetterSummary,
  deadLetterListSchema,
  deadLetterSchema,
  decideSchema,
  listDeadLettersSchema,
} from '../../domain/dead-letter-schema.ts';
import { instant, uuid } from '../../domain/invoice-schema.ts';
import type { Database } from '../../platform/database.ts';
import { payloadText } from '../../queries/dead-letter-view.ts';
import {
  type DeadLetterPosition,
  type DeadLetterRow,
  deadLetterById,
  listDeadLetters,
} from '../../queries/dead-letters.ts';
import type { DeadLetterVerb } from '../../workflows/contract.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { Problem, type ProblemCode, everyRead, unavailable } from '../problems.ts';
import type { Call, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

export interface DeadLetterDeps {
  database: Database;
  send: SendDeps;
  requestDeadlineMs: number;
}

const byId = z.object({ id: z.string().meta({ description: 'The dead letter’s id' }) });
const ofOne: readonly ProblemCode[] = [...everyRead, 'dead_letter_not_found'];
const decideProblems: readonly ProblemCode[] = [
  ...ofOne,
  'malformed_request',
  'unsupported_media_type',
  'payload_too_large',
  'validation_failed',
  'dead_letter_resolved',
];

export function deadLetterRoutes(deps: DeadLetterDeps): Route[] {
  const { database } = deps;
  const decideRoute = (verb: DeadLetterVerb, summary: string, description: string): Route => ({
    method: 'post',
    path: `/v1/dead-letters/{id}/${verb}`,
    operationId: `${verb}DeadLetter`,
    summary,
    description,
    tag: 'Dead letters',
    params: byId,
    body: { schema: decideSchema, required: true, examples: { mended: { reason: 'The invoice is finalized now' } } },
    answers: { 200: { description: 'The dead letter after the decision', schema: deadLetterSchema } },
    problems: decideProblems,
    handle: async (call) => ({ status: 200, body: toWire(await decide(deps, verb, call)) }),
  });
  return [
    {
      method: 'get',
      path: '/v1/dead-letters',
      operationId: 'listDeadLetters',
      summary: 'List messages that could not be handled, newest first',
      tag: 'Dead letters',
      query: listDeadLettersSchema,
      answers: { 200: { description: 'One page', schema: deadLetterListSchema } },
      problems: [...everyRead, 'validation_failed'],
      handle: async ({ identity, query }) => {
        const { cursor, ...filter } = parseOrRefuse(listDeadLettersSchema, query);
        const after = positionOf(positionSchema, cursor);
        const { letters, next } = await listDeadLetters(database, identity.tenantId, filter, after);
        return {
          status: 200,
          body: { items: letters.map(toSummary), nextCursor: next && cursorOf(next.openedAt, next.id) },
        };
      },
    },
    {
      method: 'get',
      path: '/v1/dead-letters/{id}',
      operationId: 'getDeadLetter',
      summary: 'Read a dead letter, with the message as it came',
      tag: 'Dead letters',
      params: byId,
      answers: { 200: { description: 'The dead letter', schema: deadLetterSchema } },
      problems: ofOne,
      handle: async (call) => ({ status: 200, body: toWire(await find(database, call)) }),
    },
    decideRoute(
      'replay',
      'Hand the message in again',
      'It counts once, however often it is handed in. Refused again, it stays open, with the new reason.',
    ),
    decideRoute('discard', 'End a dead letter without effect', 'For good: a discarded message is never handled.'),
  ];
}

/** An unknown, a malformed and another tenant's id cannot be told apart; without a tenant it is nobody's to see. */
async function find(database: Database, { identity, params }: Call): Promise<DeadLetterRow> {
  const id = uuid.safeParse(params['id']);
  const letter = id.success ? await deadLetterById(database, id.data) : null;
  if (letter?.tenantId !== identity.tenantId)
    throw new Problem('dead_letter_not_found', `There is no dead letter ${params['id'] ?? ''}.`);
  return letter;
}

/** The operator is the caller. What is resolved already needs no workflow. */
async function decide(
  { database, send, requestDeadlineMs }: DeadLetterDeps,
  verb: DeadLetterVerb,
  call: Call,
): Promise<DeadLetterRow> {
  const { reason } = parseOrRefuse(decideSchema, call.body);
  const letter = await find(database, call);
  if (letter.resolvedAt !== null) throw resolved(letter);
  const deadline = Date.parse(call.acceptedAt) + requestDeadlineMs;
  const result = await sendDecision(send, letter, verb, { operator: call.identity.actor, reason }, deadline);
  const after = await find(database, call);
  refuseUnlessDecided(result, after);
  return after;
}

function refuseUnlessDecided({ kind }: DecisionResult, letter: DeadLetterRow): void {
  switch (kind) {
    case 'decided':
      return;
    case 'resolved':
      throw resolved(letter);
    case 'failed':
      throw new Problem('internal_error', 'The decision could not be carried out; nothing was recorded.');
    case 'unknown':
      throw unavailable(
        'Nobody answered in time; whether the decision was carried out is not known. Read the dead letter, and send the decision again when it is still open.',
      );
  }
}

const resolved = ({ resolution, resolvedBy }: DeadLetterRow): Problem =>
  new Problem('dead_letter_resolved', `The message was ${resolution} by ${resolvedBy}.`, { resolution, resolvedBy });

const positionSchema = z
  .tuple([instant, z.guid()])
  .transform(([openedAt, id]): DeadLetterPosition => ({ openedAt, id }));

const toSummary = (row: DeadLetterRow): WireDeadLetterSummary => ({
  id: row.id,
  status: row.resolvedAt === null ? 'open' : 'resolved',
  topic: row.topic,
  partition: row.partition,
  offset: String(row.offset),
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

const toWire = (row: DeadLetterRow): WireDeadLetter => ({
  ...toSummary(row),
  key: row.key && Buffer.from(row.key).toString('utf8'),
  headers: JSON.parse(row.headers) as Record<string, string>,
  payload: payloadText(row),
});
