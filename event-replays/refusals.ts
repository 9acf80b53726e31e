/** What a replay, or a reader of events, is refused with. */
import { z } from 'zod';
import { type Refusals, refusal, refusalWith } from '../commands/refusal.ts';

export const replayRefusals = {
  subscriber_busy: { status: 409, title: 'Another replay of events to this subscriber has not ended' },
  subscriber_taken: { status: 409, title: 'The events of another tenant go to this subscriber' },
  events_pruned: {
    status: 410,
    title: 'Events that were asked for have been deleted',
    members: () => ({ firstSequence: z.int().min(1).meta({ description: 'The first that is kept', example: 18 }) }),
  },
} as const satisfies Refusals;

const ours = refusalWith(replayRefusals);

export const replayRefusal = (code: 'subscriber_busy' | 'subscriber_taken', detail: string) => refusal(code, detail);

/** `pruned` is the last sequence that was deleted. */
export const eventsPruned = (pruned: number) =>
  ours(
    'events_pruned',
    `Retention has deleted the events of this stream up to sequence ${pruned}. Read again what they were about, and go on behind it.`,
    { firstSequence: pruned + 1 },
  );
