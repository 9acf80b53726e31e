/**
 * The beginning of a replay.
 *
 * Always true:
 * 1. What its range is, is settled when it is asked for: where it begins, and that what is recorded later does not
 *    belong to it.
 * 2. The row comes first, then the workflow, then the row says so. What a crash left undone, or staff have terminated,
 *    the sweep for missing workflows starts.
 * 3. A subscriber's topic has the events of one tenant, or of all, and of one replay at a time.
 */
import { v5 as uuidv5 } from 'uuid';
import { z } from 'zod';
import { type StartDeps, startWorkflow } from '../commands/workflow-kind.ts';
import { type Refusal, invalidFields } from '../commands/refusal.ts';
import { streamsOfSubject } from '../messaging/cloud-event.ts';
import { FEED_START, type Place, countFeed, feedState, missingBefore, prunedThrough } from '../messaging/event-feed.ts';
import { replayTopic } from '../messaging/topics.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { eventsPruned, replayRefusal } from './refusals.ts';
import { type TopicDeps, filterOf } from './range.ts';
import type { ReplayRequest } from './request.ts';
import { type ReplayRow, replayById } from './rows.ts';
import { eventReplayWorkflow } from './workflow.ts';

// Any fixed UUID would do; it only keeps our names apart from other people's.
const NAMESPACE = '5d0a1f86-0f6c-4a57-9b6e-0c3a7f1de254';

/** The id of the replay that a request with this key starts. */
export const replayIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, NAMESPACE);

export interface AskedReplay {
  id: string;
  /** null: of all tenants. */
  tenantId: string | null;
  actor: string;
  request: ReplayRequest;
}

export type StartedReplay = { kind: 'started'; replay: ReplayRow } | { kind: 'refused'; refusal: Refusal };

/** Records it, and starts its workflow. The same id again gives the replay that is there. */
export async function startReplay(
  deps: StartDeps & TopicDeps,
  asked: AskedReplay,
  deadline: number,
): Promise<StartedReplay> {
  const because = (await replayById(deps.database, asked.id)) ? null : await record(deps, asked);
  if (because) return { kind: 'refused', refusal: because };
  const replay = await replayById(deps.database, asked.id);
  if (!replay) throw new TypeError('A replay that was recorded is not there.');
  if (replay.endedAt === null) await startWorkflow(deps, eventReplayWorkflow, replay, deadline);
  return { kind: 'started', replay };
}

/** Whoever asks does not wait for long to know how many they are. */
const COUNT_LIMIT_MS = 300;

const endRow = z.object({ now: z.date(), next: z.bigint() });

async function record(
  deps: { database: Database } & TopicDeps,
  { id, tenantId, actor, request }: AskedReplay,
): Promise<Refusal | null> {
  const { database, environment } = deps;
  const { subscriber, from, to, rate } = request;
  const [end] = await queryRows(database, endRow)`
    SELECT clock_timestamp() AS now, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next`;
  if (!end) throw new TypeError('Postgres did not tell the time.');
  const before = to === undefined || Date.parse(to) > end.now.getTime() ? end.now : new Date(to);
  const recordedFrom = 'time' in from ? new Date(from.time) : null;
  if (recordedFrom && recordedFrom >= before) return wrongField('from.time', 'must be before the end of the range');
  const begin = await placeBefore(database, tenantId, request);
  if ('code' in begin) return begin;
  const state = await feedState(database, tenantId);
  const taken = await subscriberTaken(database, subscriber, tenantId);
  if (taken) return taken;
  const filter = filterOf(deps, { ...request, tenantId, recordedFrom, recordedBefore: before });
  const expected = await countFeed(database, filter, begin, COUNT_LIMIT_MS);
  const data = {
    id,
    tenantId,
    subscriber,
    topic: replayTopic(environment, subscriber),
    request: JSON.stringify(request),
    rate,
    epoch: state.epoch,
    ...begin,
    endTransactionId: end.next,
    recordedFrom,
    recordedBefore: before,
    missingBefore: missingBefore(state, begin, recordedFrom?.toISOString()),
    expected: expected === null ? null : BigInt(expected),
    startedBy: actor,
    startedAt: end.now,
  };
  const { count } = await database.eventReplay.createMany({ data, skipDuplicates: true });
  // The same request may have been sent twice at once.
  if (count > 0 || (await replayById(database, id))) return null;
  return replayRefusal('subscriber_busy', `A replay to ${subscriber} has not ended: stop it, or wait for its end.`);
}

/** The first to ask has the topic. */
async function subscriberTaken(database: Database, subscriber: string, tenantId: string | null) {
  await database.eventReplaySubscriber.createMany({ data: { subscriber, tenantId }, skipDuplicates: true });
  const owner = await database.eventReplaySubscriber.findUniqueOrThrow({ where: { subscriber } });
  if (owner.tenantId === tenantId) return null;
  return replayRefusal('subscriber_taken', `The events of another tenant go to ${subscriber}: choose another name.`);
}

const placeRow = z.object({ transactionId: z.bigint(), position: z.bigint() });

/** The place behind which the range begins, or why there is none. */
async function placeBefore(
  database: Database,
  tenantId: string | null,
  { from }: ReplayRequest,
): Promise<Place | Refusal> {
  if ('time' in from) return FEED_START;
  const stream = 'eventId' in from ? null : streamOf(tenantId, from);
  const [eventId, sequence] = 'eventId' in from ? [from.eventId, null] : [null, from.sequence];
  const [found] = await queryRows(database, placeRow)`
    SELECT transaction_id AS "transactionId", position - 1 AS position FROM outbox_events
    WHERE (id = ${eventId}::uuid OR (stream = ${stream}::text AND sequence = ${sequence}::bigint))
      AND (${tenantId}::uuid IS NULL OR tenant_id = ${tenantId}::uuid)`;
  if (found) return found;
  const pruned = stream === null ? 0 : await prunedThrough(database, stream);
  if (sequence !== null && sequence <= pruned) return eventsPruned(pruned);
  const path = eventId === null ? 'from.sequence' : 'from.eventId';
  return wrongField(path, 'must be an event that is kept; a range may also begin at an instant');
}

/** Without a tenant nobody knows the stream: the edge refuses that. */
const streamOf = (tenantId: string | null, { topic, subject }: { topic: string; subject: string }): string | null =>
  (tenantId === null ? undefined : streamsOfSubject([topic], tenantId, subject)[0]) ?? null;

const wrongField = (path: string, message: string): Refusal =>
  invalidFields([{ path, code: 'invalid_range', message }]);
