/** Replays of events as REST takes and gives them. */
import { z } from 'zod';
import { inBody, instant, instantOut, oneLine, pageCursor, pageLimit, uuid, wholeNumber } from '../values/schema.ts';
import { FILTER_LENGTH, REASON_LENGTH, SUBSCRIBER_LENGTH } from '../values/text.ts';
import { replayActionNames, replayStatuses } from './replay.ts';

const CURSOR_LENGTH_MAX = 200;
const TYPES_MAX = 50;
const RATE_MAX = 1_000;
const RATE_DEFAULT = 100;

const subscriber = oneLine(...SUBSCRIBER_LENGTH).refine((name) => /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name), {
  error: 'must be small letters and digits, in words with hyphens between them',
  params: { code: 'invalid_format' },
});
const filter = oneLine(...FILTER_LENGTH);
const topic = filter.optional().meta({ description: 'Only what was sent to this topic' });
const subject = uuid().optional().meta({ description: 'Only what is about this id' });

const begin = z
  .union([
    z.strictObject({ time: instant() }),
    z.strictObject({ topic: filter, subject: uuid(), sequence: inBody(wholeNumber(1, Number.MAX_SAFE_INTEGER)) }),
    z.strictObject({ eventId: uuid() }),
  ])
  .meta({
    description:
      'Where it begins: what was recorded at an instant or later, or an event, by its place in its stream or its id, and what comes after it. Which of them are sent types, topic and subject say',
  });

export const startReplaySchema = z.strictObject({
  subscriber: subscriber.meta({ description: 'Names the topic that they go to', example: 'ledger-copy' }),
  from: begin,
  to: instant().optional().meta({ description: 'Recorded before this instant; until now when absent' }),
  types: z.array(filter).min(1).max(TYPES_MAX).optional().meta({ description: 'Only events of these types' }),
  topic,
  subject,
  rate: inBody(wholeNumber(1, RATE_MAX).default(RATE_DEFAULT)).meta({
    description: 'At most so many events a second',
  }),
  reason: oneLine(...REASON_LENGTH).meta({ description: 'Kept with it' }),
});

export const decideReplaySchema = z.strictObject({
  reason: oneLine(...REASON_LENGTH).meta({ description: 'Kept with it', example: 'The subscriber does not keep up' }),
});

export const listReplaysSchema = z.strictObject({ limit: pageLimit(), cursor: pageCursor(CURSOR_LENGTH_MAX) });

export const eventReplaySchema = z
  .strictObject({
    id: uuid(),
    subscriber: z.string(),
    topic: z.string().meta({ description: 'Where they go: a topic of the subscriber’s own' }),
    status: z.enum(replayStatuses),
    detail: z.string().nullable().meta({ description: 'Why it ended otherwise than at its end' }),
    from: begin,
    to: instantOut().meta({ description: 'What was recorded at this instant or later does not belong to it' }),
    only: z.strictObject({
      types: z.array(z.string()).nullable(),
      topic: z.string().nullable(),
      subject: uuid().nullable(),
    }),
    rate: z.int(),
    sent: z.int().meta({ description: 'Acknowledged by Kafka; after a crash some were sent twice' }),
    expected: z.int().nullable().meta({ description: 'About how many they are; null: not counted, they are many' }),
    sentThrough: instantOut().nullable().meta({ description: 'When the last one that was sent was recorded' }),
    missingBefore: instantOut().nullable().meta({
      description: 'Not null: retention has deleted events of the range, all recorded before this instant',
    }),
    startedBy: z.string(),
    reason: z.string(),
    startedAt: instantOut(),
    endedAt: instantOut().nullable(),
    decisions: z
      .array(
        z.strictObject({ at: instantOut(), action: z.enum(replayActionNames), actor: z.string(), reason: z.string() }),
      )
      .meta({ description: 'The last 20, oldest first' }),
  })
  .meta({ id: 'EventReplay' });
export type WireEventReplay = z.infer<typeof eventReplaySchema>;

export const eventReplayListSchema = z
  .strictObject({ items: z.array(eventReplaySchema), nextCursor: z.string().nullable() })
  .meta({ id: 'EventReplayList' });
