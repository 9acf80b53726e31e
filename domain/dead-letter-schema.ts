/** The shapes of a dead letter on the wire, and of what is decided about it. */
import { z } from 'zod';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './invoice-schema.ts';
import { oneLine } from './text-schema.ts';

const members = {
  id: z.guid(),
  status: z.enum(['open', 'resolved']),
  topic: z.string(),
  partition: z.int(),
  offset: z.string().meta({ description: 'A 64-bit integer' }),
  source: z.string().nullable(),
  eventId: z.string().nullable(),
  type: z.string().nullable().meta({ example: 'billing.payment.received.v1' }),
  reason: z.string().meta({ description: 'Stable; why it was refused last', example: 'transition_not_allowed' }),
  detail: z.string(),
  attempts: z.int().meta({ description: 'How often it was handed in, the first time included' }),
  openedAt: z.iso.datetime(),
  resolution: z.enum(['replayed', 'discarded']).nullable(),
  resolvedBy: z.string().nullable(),
  resolvedReason: z.string().nullable(),
  resolvedAt: z.iso.datetime().nullable(),
};

export const deadLetterSummarySchema = z.strictObject(members).meta({ id: 'DeadLetterSummary' });
export type WireDeadLetterSummary = z.infer<typeof deadLetterSummarySchema>;

export const deadLetterSchema = z
  .strictObject({
    ...members,
    key: z.string().nullable(),
    headers: z.record(z.string(), z.string()),
    payload: z.string().nullable().meta({ description: 'As it came; null when it is no UTF-8' }),
  })
  .meta({ id: 'DeadLetter' });
export type WireDeadLetter = z.infer<typeof deadLetterSchema>;

export const deadLetterListSchema = z
  .strictObject({ items: z.array(deadLetterSummarySchema), nextCursor: z.string().nullable() })
  .meta({ id: 'DeadLetterList' });

const filter = oneLine(1, 300).optional();

export const listDeadLettersSchema = z.strictObject({
  status: z.enum(['open', 'resolved']).optional().meta({ description: 'All when absent' }),
  reason: filter,
  topic: filter,
  type: filter,
  limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  cursor: z.string().max(200).optional().meta({ description: 'nextCursor of the page before' }),
});

export const decideSchema = z.strictObject({
  reason: oneLine(1, 500).meta({ description: 'Kept in the audit trail', example: 'The invoice is finalized now' }),
});
