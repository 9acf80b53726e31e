/** The route of events: for whoever has missed some, or does not read Kafka. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { NO_TENANT } from '../../access/caller.ts';
import { type WireSettings, ownTopics, streamsOfSubject } from '../../messaging/cloud-event.ts';
import {
  FEED_START,
  type FeedEvent,
  type FeedFilter,
  type Place,
  feedState,
  missingBefore,
  prunedThrough,
  readFeed,
} from '../../messaging/event-feed.ts';
import { eventsPruned } from '../../event-replays/refusals.ts';
import { invalidFields } from '../../commands/refusal.ts';
import type { Database } from '../../platform/database.ts';
import { catalogue } from '../../registry/catalogue.ts';
import {
  instant,
  instantOut,
  oneLine,
  pageCursor,
  pageLimit,
  queryNumber,
  untrimmed,
  uuid,
} from '../../values/schema.ts';
import { FILTERS_LENGTH, FILTER_LENGTH } from '../../values/text.ts';
import { cursorOf, positionOf } from '../cursor.ts';
import { Problem, everyRead, problemOf } from '../problems.ts';
import type { Call, Reply, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

export interface EventDeps {
  database: Database;
  wire: WireSettings;
}

const EVENTS = '/v1/events';
const CURSOR_LENGTH_MAX = 300;
const EVENTS_MAX = 500;
const EVENTS_DEFAULT = 100;
/** Well within a request's deadline. */
const SEARCH_LIMIT_MS = 500;

const querySchema = z.strictObject({
  after: pageCursor(CURSOR_LENGTH_MAX),
  from: instant().optional().meta({ description: 'Recorded at this instant or after it' }),
  types: untrimmed(...FILTERS_LENGTH)
    .optional()
    .meta({
      description: 'CloudEvents types, with commas between them',
      example: 'billing.invoice.finalized.v1,billing.invoice.paid.v1',
    }),
  topic: oneLine(...FILTER_LENGTH)
    .optional()
    .meta({ description: 'The whole name of a topic' }),
  subject: uuid().optional().meta({ description: 'The id of what they are about, of an invoice say' }),
  afterSequence: queryNumber(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ description: 'With topic and subject: the events of that stream with a higher sequence, in its order' }),
  limit: pageLimit(EVENTS_MAX, EVENTS_DEFAULT),
});
type Query = z.output<typeof querySchema>;

const eventSchema = z
  .strictObject({
    id: uuid(),
    type: z.string(),
    topic: z.string(),
    key: z.string(),
    sequence: z.int().min(1),
    headers: z.record(z.string(), z.string()).meta({ description: 'As Kafka carries them' }),
    value: z.string().meta({ description: 'The JSON text, byte by byte as Kafka carries it' }),
  })
  .meta({ id: 'Event' });

const pageSchema = z
  .strictObject({
    items: z
      .array(eventSchema)
      .meta({ description: 'May be fewer than limit, or none, before the end: then nextCursor goes on' }),
    nextCursor: z.string().meta({ description: 'Where to go on, also later: there is no last page' }),
    prunedBefore: instantOut().nullable().meta({
      description:
        'Not null: retention has deleted events behind the place that this page begins at. All of them were recorded before this instant: read again what they were about',
    }),
  })
  .meta({ id: 'EventList' });

export const eventRoutes = (deps: EventDeps): Route[] => [
  {
    method: 'get',
    path: EVENTS,
    operationId: 'listEvents',
    summary: 'Read the events as Kafka carries them, the oldest first',
    description:
      'Every event that is committed, on Kafka or not yet; in the place of one that was withheld stands its EventWithheld. The events of one key on one topic come in their order. Ask again with nextCursor and the same types, topic and subject.',
    tag: 'Events',
    scope: 'events:read',
    ofNoTenant: true,
    query: querySchema,
    answers: { 200: { description: 'One page', schema: pageSchema } },
    problems: [...everyRead, 'validation_failed', 'cursor_outdated', 'events_pruned'],
    handle: (call) => listEvents(deps, call),
  },
];

async function listEvents({ database, wire }: EventDeps, { identity, query: given }: Call): Promise<Reply> {
  const query = parseOrRefuse(querySchema, given);
  const filter = filterOf(query, identity.tenantId, wire);
  const list = listOf(filter);
  const cursor = positionOf(list, cursorSchema, query.after, 'after');
  const after = cursor?.place ?? FEED_START;
  const { events, next } = await readFeed(database, filter, after, { limit: query.limit, limitMs: SEARCH_LIMIT_MS });
  const state = await feedState(database, filter.tenantId);
  if (cursor && cursor.epoch !== state.epoch) throw outdated();
  if (filter.afterSequence === undefined) {
    return answer(missingBefore(state, after, filter.from));
  }
  await refuseIfPruned(database, filter.streams?.[0] ?? '', filter.afterSequence);
  return answer(null);

  function answer(missing: Date | null): Reply {
    const nextCursor = cursorOf(list, state.epoch, String(next.transactionId), String(next.position));
    const body = { items: events.map(toWire), nextCursor, prunedBefore: missing?.toISOString() ?? null };
    return { status: 200, body: body satisfies z.input<typeof pageSchema> };
  }
}

function filterOf(query: Query, tenantIdOrNone: string, { environment }: WireSettings): FeedFilter {
  const { topic, subject, from, afterSequence } = query;
  const tenantId = tenantIdOrNone === NO_TENANT ? null : tenantIdOrNone;
  if (subject !== undefined && tenantId === null)
    throw new Problem('tenant_required', 'X-Tenant-Id must name the tenant that the subject belongs to.');
  if (afterSequence !== undefined && (topic === undefined || subject === undefined)) throw noStream();
  const topics = topic === undefined ? ownTopics(catalogue, environment) : [topic];
  return {
    tenantId,
    topic,
    from,
    afterSequence,
    types: query.types?.split(','),
    streams: subject === undefined || tenantId === null ? undefined : streamsOfSubject(topics, tenantId, subject),
  };
}

const noStream = (): Problem =>
  problemOf(
    invalidFields([{ path: 'afterSequence', code: 'no_stream', message: 'goes with topic and subject alone' }]),
  );

/** Where to begin is no part of it: whoever goes on from a cursor need not say it again. */
const listOf = ({ types, topic, streams }: FeedFilter): string =>
  `${EVENTS}#${createHash('sha256')
    .update(JSON.stringify([types?.toSorted() ?? null, topic ?? null, streams ?? null]))
    .digest('base64url')}`;

/** As Postgres takes a bigint. */
const digits = z.string().regex(/^\d{1,18}$/);
const cursorSchema = z.tuple([z.guid(), digits, digits]).transform(([epoch, transactionId, position]) => ({
  epoch,
  place: { transactionId: BigInt(transactionId), position: BigInt(position) } satisfies Place,
}));

const outdated = (): Problem =>
  new Problem(
    'cursor_outdated',
    'The database was restored from a backup since this cursor was given. Begin again without it, with `from` some time before the last event that was handled: those that come twice have the same id.',
  );

async function refuseIfPruned(database: Database, stream: string, afterSequence: number): Promise<void> {
  const pruned = await prunedThrough(database, stream);
  if (afterSequence >= pruned) return;
  throw problemOf(eventsPruned(pruned));
}

const toWire = (event: FeedEvent): z.input<typeof eventSchema> => ({
  id: event.id,
  type: event.type,
  topic: event.topic,
  key: event.partitionKey,
  sequence: Number(event.sequence),
  headers: JSON.parse(event.headers) as Record<string, string>,
  value: event.value,
});
