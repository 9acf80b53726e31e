/** How activities are timed and retried: every profile has a name and its reason. */
import { REPLAY_LIMIT_MS } from './contract/dead-letter.ts';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** First try, within the workflow task: one attempt, done or given up before the task's own five seconds. */
export const localFirst: LocalActivityOptions = {
  scheduleToCloseTimeout: 2_000,
  retry: { maximumAttempts: 1 },
};

/**
 * When the local try met a failure of infrastructure: retried without end, visible and pausable in the Web UI. After
 * STUCK_AFTER the workflow says so, and a person decides.
 */
export const untilItWorks: ActivityOptions = {
  startToCloseTimeout: '5 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

export const STUCK_AFTER = '10 minutes';

/** A relay works for a minute at a time and says every moment that it lives; a silent one is replaced. */
export const relaying = {
  startToCloseTimeout: '90 seconds',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
} as const satisfies ActivityOptions;

/** After half a minute of failures the page of the relay is renewed, and it begins again. */
export const publishing: ActivityOptions = { ...relaying, retry: { ...relaying.retry, maximumAttempts: 7 } };

/** A long job in pieces of a few seconds, each of which says that it lives; a silent one is replaced. */
export const inPieces: ActivityOptions = {
  startToCloseTimeout: '60 seconds',
  heartbeatTimeout: '5 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
};

/**
 * A replay waits REPLAY_LIMIT_MS for its message's handler. Without an answer it goes on: the key makes it count once.
 */
export const replaying: ActivityOptions = {
  startToCloseTimeout: REPLAY_LIMIT_MS + 10_000,
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};
