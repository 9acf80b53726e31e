/** The routes of replays: events sent once more, to a topic of a subscriber's own. */
import { stringify } from 'safe-stable-stringify';
import { z } from 'zod';
import { type Identity, NO_TENANT } from '../../access/caller.ts';
import { keyReused } from '../../commands/refusal.ts';
import type { SendDeps } from '../../commands/send-update.ts';
import {
  type ReplayAction,
  type ReplayStatus,
  isOpenReplay,
  replayActionNames,
  replayActions,
} from '../../event-replays/replay.ts';
import type { ReplayRequest } from '../../event-replays/request.ts';
import {
  type ReplayPosition,
  type ReplayRow,
  decisionsOf,
  listReplays,
  replayById,
  requestOf,
} from '../../event-replays/rows.ts';
import {
  type WireEventReplay,
  decideReplaySchema,
  eventReplayListSchema,
  eventReplaySchema,
  listReplaysSchema,
  startReplaySchema,
} from '../../event-replays/schemas.ts';
import { type ReplayDecisionResult, sendReplayDecision } from '../../event-replays/send.ts';
import { replayIdOf, startReplay } from '../../event-replays/start.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import type { Database } from '../../platform/database.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { instant } from '../../values/schema.ts';
import { uuidIn } from '../../values/text.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { Problem, everyCommand, everyRead, problemOf, unavailable } from '../problems.ts';
import { untilDeadline } from '../retry.ts';
import type { Call, Reply, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

export interface EventReplayDeps {
  database: Database;
  send: SendDeps;
  wire: WireSettings;
  requestDeadlineMs: number;
}

const REPLAYS = '/v1/event-replays';
const ofReplays = { tag: 'Events', scope: 'events:replay', ofNoTenant: true } as const;
const byId = z.object({ id: z.string().meta({ description: 'The replay’s id' }) });

export const eventReplayRoutes = (deps: EventReplayDeps): Route[] => [
  {
    ...ofReplays,
    method: 'post',
    path: REPLAYS,
    operationId: 'startEventReplay',
    summary: 'Send a range of events once more, to a topic of a subscriber’s own',
    description:
      'With the key, the headers and the bytes that they have, in order for each key, at least once; ce_replayid names the replay, ce_replaytopic the topic that the sequence counts on. Nothing of it is on the topics that all read. One replay to a subscriber at a time.',
    command: { ifMatch: false },
    body: {
      schema: startReplaySchema,
      required: true,
      examples: {
        day: {
          subscriber: 'ledger-copy',
          from: { time: '2026-01-31T00:00:00Z' },
          to: '2026-02-01T00:00:00Z',
          types: ['billing.invoice.paid.v1'],
          reason: 'Its database was lost',
        },
        event: {
          subscriber: 'ledger-copy',
          from: { eventId: '0b5f6a3e-8f0f-7d8e-9f0c-4f6d2a1b7c3d' },
          reason: 'It was refused, see ticket 42',
        },
      },
    },
    answers: {
      202: { description: 'The replay, which goes on by itself', schema: eventReplaySchema, headers: ['Location'] },
    },
    problems: [...everyCommand, 'subscriber_busy', 'subscriber_taken', 'events_pruned'],
    handle: (call) => start(deps, call),
  },
  {
    ...ofReplays,
    method: 'get',
    path: REPLAYS,
    operationId: 'listEventReplays',
    summary: 'List replays of events, newest first',
    query: listReplaysSchema,
    answers: { 200: { description: 'One page', schema: eventReplayListSchema } },
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity, query }) => {
      const { limit, cursor } = parseOrRefuse(listReplaysSchema, query);
      const after = positionOf(REPLAYS, positionSchema, cursor);
      const { replays, next } = await listReplays(deps.database, tenantOf(identity), limit, after);
      const items = await Promise.all(replays.map((replay) => toWire(deps.database, replay)));
      return { status: 200, body: { items, nextCursor: next && cursorOf(REPLAYS, next.startedAt, next.id) } };
    },
  },
  {
    ...ofReplays,
    method: 'get',
    path: `${REPLAYS}/{id}`,
    operationId: 'getEventReplay',
    summary: 'Read how far a replay of events is',
    params: byId,
    answers: { 200: { description: 'The replay', schema: eventReplaySchema } },
    problems: [...everyRead, 'event_replay_not_found'],
    handle: async (call) => ({ status: 200, body: await toWire(deps.database, await find(deps.database, call)) }),
  },
  ...replayActionNames.map((action) => decideRoute(deps, action)),
];

const decideRoute = (deps: EventReplayDeps, action: ReplayAction): Route => ({
  ...ofReplays,
  method: 'post',
  path: `${REPLAYS}/{id}/${action}`,
  operationId: `${action}EventReplay`,
  summary: replayActions[action].summary,
  description: replayActions[action].description,
  params: byId,
  body: { schema: decideReplaySchema, required: true, examples: { example: replayActions[action].example } },
  answers: { 200: { description: 'The replay after the decision', schema: eventReplaySchema } },
  problems: [
    ...everyRead,
    'validation_failed',
    'too_many_commands',
    'event_replay_not_found',
    'replay_decision_refused',
  ],
  handle: async (call) => {
    const { reason } = parseOrRefuse(decideReplaySchema, call.body);
    return { status: 200, body: await toWire(deps.database, await decide(deps, action, call, reason)) };
  },
});

/** With one Idempotency-Key it is started once, and means the same. */
async function start({ database, send, wire, requestDeadlineMs }: EventReplayDeps, call: Call): Promise<Reply> {
  const request: ReplayRequest = parseOrRefuse(startReplaySchema, call.body);
  const { actor } = call.identity;
  const tenantId = tenantOf(call.identity);
  if (tenantId === null && (request.subject !== undefined || 'subject' in request.from))
    throw new Problem('tenant_required', 'X-Tenant-Id must name the tenant that the subject belongs to.');
  const id = replayIdOf(call.identity.tenantId, call.idempotencyKey);
  const started = await startReplay(
    { ...send, database, catalogue, environment: wire.environment },
    { id, tenantId, actor, request },
    Date.parse(call.acceptedAt) + requestDeadlineMs,
  );
  if (started.kind === 'refused') throw problemOf(started.refusal);
  if (stringify(requestOf(started.replay)) !== stringify(request)) throw problemOf(keyReused());
  return { status: 202, headers: { Location: `${REPLAYS}/${id}` }, body: await toWire(database, started.replay) };
}

/** An unknown, a malformed and another tenant's id cannot be told apart. */
async function find(database: Database, { identity, params }: Call): Promise<ReplayRow> {
  const id = uuidIn(params['id']);
  const replay = id ? await replayById(database, id) : null;
  if (!replay || replay.tenantId !== tenantOf(identity))
    throw new Problem('event_replay_not_found', `There is no replay of events ${params['id'] ?? ''}.`);
  return replay;
}

/** The operator is the caller. What has ended already needs no workflow. */
async function decide(
  { database, send, requestDeadlineMs }: EventReplayDeps,
  action: ReplayAction,
  call: Call,
  reason: string,
): Promise<ReplayRow> {
  const replay = await find(database, call);
  if (!isOpenReplay(replay.status as ReplayStatus))
    throw new Problem('replay_decision_refused', `The replay has ended: it is ${replay.status}.`);
  const deadline = Date.parse(call.acceptedAt) + requestDeadlineMs;
  const result = await sendReplayDecision(send, replay, action, { actor: call.identity.actor, reason }, deadline);
  refuseUnlessDecided(result);
  // What is done is not sent again because it could not be read at once.
  return untilDeadline(deadline, () => find(database, call));
}

function refuseUnlessDecided(result: ReplayDecisionResult): void {
  switch (result.kind) {
    case 'answered':
      return;
    case 'refused':
      throw new Problem('replay_decision_refused', result.detail);
    case 'failed':
      throw new Problem('internal_error', 'The decision could not be carried out; nothing was recorded.');
    case 'pending':
    case 'unknown':
      throw unavailable(
        'Nobody answered in time; whether the decision was carried out is not known. Read the replay, and send the decision again when it is still wanted.',
      );
  }
}

const tenantOf = ({ tenantId }: Identity): string | null => (tenantId === NO_TENANT ? null : tenantId);

const positionSchema = z
  .tuple([instant(), z.guid()])
  .transform(([startedAt, id]): ReplayPosition => ({ startedAt, id }));

async function toWire(database: Database, row: ReplayRow): Promise<WireEventReplay> {
  const { from, types, topic, subject, reason } = requestOf(row);
  return {
    id: row.id,
    subscriber: row.subscriber,
    topic: row.topic,
    status: row.status as ReplayStatus,
    detail: row.detail,
    from,
    to: row.recordedBefore.toISOString(),
    only: { types: types ? [...types] : null, topic: topic ?? null, subject: subject ?? null },
    rate: row.rate,
    sent: Number(row.sent),
    expected: row.expected === null ? null : Number(row.expected),
    sentThrough: row.sentThrough?.toISOString() ?? null,
    missingBefore: row.missingBefore?.toISOString() ?? null,
    startedBy: row.startedBy,
    reason,
    startedAt: row.startedAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    decisions: await decisionsOf(database, row.id),
  };
}
