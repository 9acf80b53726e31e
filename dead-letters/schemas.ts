/** The shapes of a dead letter on the wire, and of what is decided about it. */
import { ABANDON } from '../commands/abandon.ts';
import { oneLine, pageCursor, pageLimit, untrimmed } from '../values/schema.ts';
import { z } from 'zod';
import { EDITED_PAYLOAD_MAX, batchActions, directions, resolutions, actionNames } from './dead-letter.ts';
import { FILTER_LENGTH, REASON_LENGTH } from '../values/text.ts';

const members = {
  id: z.guid(),
  direction: z.enum(directions).meta({ description: 'inbound: a message; outbound: an event that Kafka refuses' }),
  status: z.enum(['open', 'resolved']),
  topic: z.string(),
  partition: z.int().nullable().meta({ description: 'null for an event, which is not on its topic' }),
  offset: z.string().nullable().meta({ description: 'A 64-bit integer' }),
  source: z.string().nullable(),
  eventId: z.string().nullable(),
  type: z.string().nullable().meta({ example: 'billing.payment.received.v1' }),
  reason: z.string().meta({ description: 'Stable; why it was refused last', example: 'transition_not_allowed' }),
  detail: z.string(),
  attempts: z.int().meta({ description: 'How often it was handed in or sent, the first time included' }),
  openedAt: z.iso.datetime(),
  resolution: z.enum(resolutions).nullable(),
  resolvedBy: z.string().nullable(),
  resolvedReason: z.string().nullable(),
  resolvedAt: z.iso.datetime().nullable(),
};

export const deadLetterSummarySchema = z.strictObject(members).meta({ id: 'DeadLetterSummary' });
export type WireDeadLetterSummary = z.infer<typeof deadLetterSummarySchema>;

/** The last so many of a dead letter. */
export const DECISIONS_MAX = 100;

const decision = z.strictObject({
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.enum([...actionNames, ABANDON]).meta({ description: 'abandon: an attempt was stopped' }),
  status: z.enum(['open', ...resolutions]).meta({ description: 'What the letter was after it' }),
  reason: z.string(),
});

export const deadLetterSchema = z
  .strictObject({
    ...members,
    key: z.string().nullable(),
    headers: z.record(z.string(), z.string()),
    payload: z.string().nullable().meta({ description: 'As it came; null when it is no UTF-8' }),
    editedPayload: z.string().nullable().meta({ description: 'What the next replay takes instead; null: not edited' }),
    decisions: z.array(decision).meta({
      description: `What was decided, and what a person has stopped, oldest first; the last ${DECISIONS_MAX}`,
    }),
  })
  .meta({ id: 'DeadLetter' });
export type WireDeadLetter = z.infer<typeof deadLetterSchema>;

export const deadLetterListSchema = z
  .strictObject({ items: z.array(deadLetterSummarySchema), nextCursor: z.string().nullable() })
  .meta({ id: 'DeadLetterList' });

const filter = oneLine(...FILTER_LENGTH).optional();

export const listDeadLettersSchema = z.strictObject({
  direction: z.enum(directions).optional().meta({ description: 'Both when absent' }),
  status: z.enum(['open', 'resolved']).optional().meta({ description: 'All when absent' }),
  reason: filter,
  topic: filter,
  type: filter,
  limit: pageLimit(),
  cursor: pageCursor(200),
});

export const groupSchema = z.strictObject({
  filter: z
    .strictObject({ reason: filter, topic: filter, type: filter })
    .refine((given) => Object.values(given).some((value) => value !== undefined), 'must name at least one')
    .meta({ description: 'Which: all that are named must be the same; one at least', minProperties: 1 }),
  reason: oneLine(...REASON_LENGTH).meta({ description: 'Kept in the audit trail of each' }),
});

const count = z.int();
export const deadLetterBatchSchema = z
  .strictObject({
    id: z.guid(),
    verb: z.enum(batchActions),
    filter: z.strictObject({ reason: filter, topic: filter, type: filter }),
    status: z.enum(['running', 'completed']),
    operator: z.string(),
    reason: z.string(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
    total: count.meta({ description: 'The letters that were open when it was asked for; at most 10,000' }),
    done: count,
    refused: count.meta({ description: 'Still open, or decided by another' }),
    unknown: count.meta({ description: 'Without an answer in time; their own workflows go on' }),
    left: count,
    notDone: z
      .array(z.strictObject({ deadLetterId: z.guid(), outcome: z.enum(['refused', 'unknown']), detail: z.string() }))
      .meta({ description: 'Refused or unknown, and why; at most 1,000 are listed' }),
  })
  .meta({ id: 'DeadLetterBatch' });
export type WireDeadLetterBatch = z.infer<typeof deadLetterBatchSchema>;

export const decideSchema = z.strictObject({
  reason: oneLine(...REASON_LENGTH).meta({
    description: 'Kept in the audit trail',
    example: 'The invoice is finalized now',
  }),
});

export const editSchema = decideSchema.extend({
  payload: untrimmed(1, EDITED_PAYLOAD_MAX).meta({ description: 'The whole payload, as JSON text' }),
});
