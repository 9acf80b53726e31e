/** Replays of events: what they are, and what a person can decide about one. */

export const replayStatuses = ['running', 'paused', 'stopped', 'refused', 'completed'] as const;
export type ReplayStatus = (typeof replayStatuses)[number];

/** It may still be decided about. */
export const isOpenReplay = (status: ReplayStatus): boolean => status === 'running' || status === 'paused';

interface ActionDefinition {
  from: readonly ReplayStatus[];
  to: ReplayStatus;
  /** In the imperative, for callers and staff. */
  summary: string;
  description: string;
  example: { reason: string };
}

/** What a person can decide about a replay. */
export const replayActions = {
  pause: {
    from: ['running'],
    to: 'paused',
    summary: 'Let a replay of events rest',
    description: 'What was handed to Kafka before is still sent; nothing follows until it is resumed.',
    example: { reason: 'The subscriber does not keep up' },
  },
  resume: {
    from: ['paused'],
    to: 'running',
    summary: 'Let a replay of events go on',
    description: 'It goes on behind the last event that Kafka has acknowledged.',
    example: { reason: 'The subscriber has caught up' },
  },
  stop: {
    from: ['running', 'paused'],
    to: 'stopped',
    summary: 'End a replay of events before its end',
    description: 'For good: what was sent stays on the topic, and the rest is asked for anew.',
    example: { reason: 'The subscriber has asked for the wrong day' },
  },
} as const satisfies Record<string, ActionDefinition>;
export type ReplayAction = keyof typeof replayActions;
export const replayActionNames = Object.keys(replayActions) as ReplayAction[];

/** undefined: it does not fit. */
export function statusAfter(status: ReplayStatus, action: ReplayAction): ReplayStatus | undefined {
  const { from, to }: ActionDefinition = replayActions[action];
  return from.includes(status) ? to : undefined;
}
