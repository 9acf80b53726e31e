/** Dead letters: what they are, and what a person can decide about them. */
import { EVENT_BYTES_MAX } from '../messaging/event-sink.ts';

/** A message that could not be handled, or an event that the broker refuses for good. */
export const directions = ['inbound', 'outbound'] as const;
export type Direction = (typeof directions)[number];

export interface ActionDefinition {
  /** The dead letters that it is made for. */
  directions: readonly Direction[];
  /** In the imperative, for callers and staff. */
  summary: string;
  description: string;
  /** What a body looks like. */
  example: Readonly<Record<string, string>>;
}

const mended = { reason: 'The invoice is finalized now' };

/** What a person can decide about a dead letter. */
export const deadLetterActions = {
  replay: {
    directions,
    summary: 'Hand the message in again, or send the event again',
    description:
      'A message counts once, however often it is handed in; an event keeps its place in its stream. Refused again, it stays open, with the new reason.',
    example: mended,
  },
  edit: {
    directions,
    summary: 'Give a dead letter another payload, for its next replay',
    description:
      'A message’s payload must be one that can be handled. An event’s must be as its schema says, and only its texts may change: what was recorded stays. What it was before is kept.',
    example: {
      reason: 'The gateway had sent the amount in cents',
      payload:
        '{"tenantId":"11111111-1111-4111-8111-111111111111","invoiceId":"0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d","amount":"1200.00","currency":"EUR","paymentMethod":"credit card","paymentReference":"GW-000812"}',
    },
  },
  discard: {
    directions: ['inbound'],
    summary: 'End the dead letter of a message without effect',
    description: 'For good: a discarded message is never handled.',
    example: mended,
  },
  withhold: {
    directions: ['outbound'],
    summary: 'End the dead letter of an event: EventWithheld is sent in its place',
    description:
      'For good: subscribers get its id, its type and your reason, under its key and sequence. Its stream goes on.',
    example: { reason: 'The name is too long to be sent, see ticket 42' },
  },
} as const satisfies Record<string, ActionDefinition>;
export type DeadLetterAction = keyof typeof deadLetterActions;
export const actionNames = Object.keys(deadLetterActions) as DeadLetterAction[];

/** What can be decided about many at once: it needs no thought about each. */
export const batchActions = ['replay', 'discard'] as const satisfies readonly DeadLetterAction[];
export type BatchAction = (typeof batchActions)[number];

export const resolutions = ['replayed', 'discarded', 'withheld'] as const;
export type Resolution = (typeof resolutions)[number];

/** A dead letter that nobody has decided for so long is pointed out. */
export const ESCALATE_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Characters of an edited payload, which has EVENT_BYTES_MAX bytes at most. Escaped as a JSON text it has twice as many
 * at worst, and Temporal takes 2 MiB.
 * @alias
 */
export const EDITED_PAYLOAD_MAX = EVENT_BYTES_MAX;

/**
 * The texts of an event of ours that may be edited. Everything else in it was recorded, and subscribers count on it.
 */
export const editableTexts = ['name', 'customerReference', 'cancelReason', 'reason'] as const;
