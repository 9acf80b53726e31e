/** The routes of event versions: which are published, who reads them, and what an operator decides about them. */
import { z } from 'zod';
import { NIL } from 'uuid';
import { newAttemptId, restKey } from '../../commands/key.ts';
import type { TransactionDeps } from '../../commands/transaction.ts';
import { decideEventVersion } from '../../event-versions/commands.ts';
import type { TopicVersion } from '../../event-versions/lines.ts';
import { readerStates } from '../../event-versions/readers.ts';
import { type DecisionName, UNREAD_DAYS, decisionNames, stages } from '../../event-versions/stage.ts';
import { viewOf } from '../../event-versions/view.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import { type Database, LONG_WAIT_MS } from '../../platform/database.ts';
import { versionedTopics } from '../../registry/event-versions.ts';
import { calendarDate, instantOut, oneLine } from '../../values/schema.ts';
import { REASON_LENGTH } from '../../values/text.ts';
import type { EventVersionView } from '../../workflows/contract/event-version.ts';
import { Problem, type ProblemCode, everyCommand, everyRead, problemOf } from '../problems.ts';
import type { Call, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

const eventVersionSchema = z
  .strictObject({
    topic: z.string().meta({ example: 'prod.billing.public.invoices.v2' }),
    stage: z.enum(stages),
    before: z.string().nullable().meta({ description: 'The topic of the version before it' }),
    after: z.string().nullable().meta({ description: 'The topic of the version after it' }),
    sunset: z.iso.date().nullable().meta({ description: 'It may be closed after this day' }),
    filledAt: instantOut().nullable().meta({
      description: 'Since then it has everything that the version before has; null while it is being filled',
    }),
    lookedAt: instantOut().nullable().meta({ description: 'When Kafka was asked last who reads it' }),
    readers: z
      .array(
        z.strictObject({
          groupId: z.string(),
          state: z.enum(readerStates),
          lag: z.string().meta({ description: 'Records behind' }),
          members: z.int(),
          lastSeenAt: instantOut().meta({ description: 'When it last moved, or had a member' }),
        }),
      )
      .meta({
        description:
          'Consumer groups that were seen, at most 100, those that were seen last first. Readers that commit no offsets are not seen',
      }),
  })
  .meta({ id: 'EventVersion' });
const listSchema = z.strictObject({ items: z.array(eventVersionSchema) }).meta({ id: 'EventVersionList' });

const reason = () => oneLine(...REASON_LENGTH).meta({ description: 'Why; it stands in the audit trail' });
const bodies = {
  open: {
    schema: z.strictObject({ reason: reason() }),
    example: { reason: 'The warehouse needs amountOpen' },
    summary: 'Publish a version beside the one before it',
    description:
      'It is filled with everything that was told already. Of a version that is open, what it lacks is filled in; of one that is deprecated, that is taken back.',
  },
  deprecate: {
    schema: z.strictObject({ reason: reason(), sunset: calendarDate() }),
    example: { reason: 'Version 2 tells more', sunset: '2031-01-31' },
    summary: 'Say until when a version goes on',
    description: 'Each of its events says so from now on. The version after it must have everything.',
  },
  close: {
    schema: z.strictObject({
      reason: reason(),
      force: z.boolean().optional().meta({ description: 'Although it may be read' }),
    }),
    example: { reason: 'Nobody reads it any more' },
    summary: 'End a version for good',
    description: `Refused before its sunset, and while somebody was seen to read it within ${UNREAD_DAYS} days, unless it is forced.`,
  },
} as const satisfies Record<DecisionName, object>;

type Deciding = TransactionDeps & { versions: readonly TopicVersion[] };

const byTopic = z.object({ topic: z.string().meta({ description: 'The name of the topic' }) });
const ofVersions = { tag: 'Event versions', ofNoTenant: true } as const;
const refusals: readonly ProblemCode[] = [
  'event_version_not_found',
  'event_version_stage',
  'event_version_not_replaced',
  'event_version_in_use',
];

export function eventVersionRoutes({ database, wire }: { database: Database; wire: WireSettings }): Route[] {
  const versions = versionedTopics(wire.environment);
  // The relays look by themselves: they run in the workers.
  const deps: Deciding = { database, wire, versions, notify: () => undefined, waitMs: LONG_WAIT_MS };
  return [
    {
      ...ofVersions,
      method: 'get',
      path: '/v1/event-versions',
      operationId: 'listEventVersions',
      summary: 'See which versions of events are published, and who reads them',
      scope: 'event-versions:read',
      answers: { 200: { description: 'Every topic of which there are several versions', schema: listSchema } },
      problems: everyRead,
      handle: async () => {
        const views = await Promise.all(versions.map((of) => viewOf(database, of)));
        return { status: 200, body: { items: views.map(toWire) } };
      },
    },
    {
      ...ofVersions,
      method: 'get',
      path: '/v1/event-versions/{topic}',
      operationId: 'getEventVersion',
      summary: 'See one version',
      scope: 'event-versions:read',
      params: byTopic,
      answers: { 200: { description: 'The version', schema: eventVersionSchema } },
      problems: [...everyRead, 'event_version_not_found'],
      handle: async (call) => ({ status: 200, body: toWire(await viewOf(database, versionIn(versions, call))) }),
    },
    ...decisionNames.map((action) => decisionRoute(deps, action)),
  ];
}

function decisionRoute(deps: Deciding, action: DecisionName): Route {
  const { versions } = deps;
  const { schema, example, summary, description } = bodies[action];
  return {
    ...ofVersions,
    method: 'post',
    path: `/v1/event-versions/{topic}/${action}`,
    operationId: `${action}EventVersion`,
    summary,
    description,
    scope: 'event-versions:decide',
    params: byTopic,
    command: { ifMatch: false },
    body: { schema, required: true, examples: { decision: example } },
    answers: {
      200: { description: 'The version after it', schema: eventVersionSchema, headers: ['Idempotency-Replayed'] },
    },
    problems: [...everyCommand, ...refusals],
    handle: async (call) => {
      const of = versionIn(versions, call);
      const { reason: why, ...more }: { reason: string; sunset?: string; force?: boolean | undefined } = parseOrRefuse(
        schema,
        call.body,
      );
      const asking = {
        key: restKey(NIL, call.idempotencyKey),
        actor: call.identity.actor,
        acceptedAt: call.acceptedAt,
        attemptId: newAttemptId(),
      };
      const decision = { action, of, reason: why, sunset: more.sunset ?? null, force: more.force ?? false };
      const outcome = await decideEventVersion(deps, decision, asking);
      if (outcome.kind === 'refused') throw problemOf(outcome.refusal);
      return {
        status: 200,
        headers: outcome.kind === 'replayed' ? { 'Idempotency-Replayed': 'true' } : {},
        body: toWire(await viewOf(deps.database, of)),
      };
    },
  };
}

function versionIn(versions: readonly TopicVersion[], { params }: Call): TopicVersion {
  const found = versions.find(({ topic }) => topic === params['topic']);
  if (!found) throw new Problem('event_version_not_found', `There are no versions of ${params['topic']}.`);
  return found;
}

function toWire(view: EventVersionView) {
  const { version: _version, progress: _progress, lookError: _error, decisions: _decisions, ...told } = view;
  return told;
}
