/**
 * Watches over a retried activity: says so when it takes long, and lets a person stop it.
 *
 * Always true: whoever waits for an attempt that a person has stopped is told so, by whom and why, however the attempt
 * ended; unless it ended with an answer of its own.
 */
import { ABANDONED } from './contract/common.ts';
import type { AbandonRequest, Intervention } from '../commands/abandon.ts';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  patched,
  sleep,
} from '@temporalio/workflow';
import { STOPPED_IS_ANSWERED } from './patches.ts';
import { STUCK_AFTER } from './profiles.ts';

export interface Watch {
  /** An activity is being waited for. */
  readonly isOpen: boolean;
  /** Runs the activity; rejects with ABANDONED when a person has stopped it. */
  over: <T>(activity: () => Promise<T>) => Promise<T>;
  /** The same for what no person may stop: it records who has stopped something else. */
  overRecording: <T>(activity: () => Promise<T>) => Promise<T>;
  giveUp: (request: AbandonRequest) => string;
}

type Stop = (request: AbandonRequest) => string;

/** `begins` is called when the wait for an activity begins. */
export function createWatch(setStuck: (stuck: boolean) => void, begins: () => void): Watch {
  let stop: Stop | undefined;

  async function untilItEnds<T>(activity: () => Promise<T>, stopsIt: Stop): Promise<T> {
    const clock = new CancellationScope();
    stop = stopsIt;
    begins();
    void clock
      .run(() => sleep(STUCK_AFTER, { summary: 'Stuck when the activity still fails then' }))
      .then(
        () => setStuck(true),
        () => undefined,
      );
    try {
      return await activity();
    } finally {
      clock.cancel();
      stop = undefined;
      setStuck(false);
    }
  }

  return {
    get isOpen() {
      return stop !== undefined;
    },
    over: async (activity) => {
      const scope = new CancellationScope();
      let given: Stopped | undefined;
      const stopIt: Stop = (request) => {
        given ??= { ...request, at: new Date().toISOString() };
        scope.cancel();
        return 'The attempt is being stopped.';
      };
      try {
        return await untilItEnds(() => scope.run(activity), stopIt);
      } catch (error) {
        throw given && endedByIt(error) ? stoppedBy(given) : error;
      }
    },
    overRecording: (activity) =>
      untilItEnds(activity, () => 'Nothing can be stopped now: what was stopped before is being recorded.'),
    giveUp: (request) => stop?.(request) ?? 'Nothing is being retried.',
  };
}

type Stopped = Pick<Intervention, 'actor' | 'reason' | 'at'>;

const stoppedBy = (stopped: Stopped): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`${stopped.actor} stopped the attempt: ${stopped.reason}`, ABANDONED, stopped);

/** An attempt that was under way ends with its own failure, and only the next one is not made. */
function endedByIt(error: unknown): boolean {
  if (isCancellation(error)) return true;
  const isAnswer =
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true;
  return !isAnswer && patched(STOPPED_IS_ANSWERED);
}

/** What is to be recorded when `error` is the end of an attempt that a person has stopped. */
export function interventionIn(error: unknown, step: string, attemptId: string): Intervention | undefined {
  if (!(error instanceof ApplicationFailure) || error.type !== ABANDONED) return undefined;
  const [stopped] = (error.details ?? []) as Stopped[];
  return stopped && { ...stopped, step, attemptId };
}
