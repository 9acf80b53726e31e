/** Dead letters: what they are, and what a person can decide about them. */
import { EVENT_BYTES_MAX } from '../messaging/event-sink.ts';

/** A message that could not be handled, or an event that the broker refuses for good. */
export const directions = ['inbound', 'outbound'] as const;
export type Direction = (typeof directions)[number];

/** What can be decided, and about which dead letters. */
export const deadLetterActions = {
  replay: directions,
  edit: directions,
  discard: ['inbound'],
  withhold: ['outbound'],
} as const satisfies Record<string, readonly Direction[]>;
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
 * Characters of an edited payload, which has EVENT_BYTES_MAX bytes at most. Escaped as a JSON text it has twice as many at
 * worst, and Temporal takes 2 MiB.
 * @alias
 */
export const EDITED_PAYLOAD_MAX = EVENT_BYTES_MAX;

/** The texts of an event of ours that may be edited. Everything else in it was recorded, and subscribers count on it. */
export const editableTexts = ['name', 'customerReference', 'cancelReason', 'reason'] as const;
