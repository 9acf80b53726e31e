/** Watches over a retried activity: says so when it takes long, and lets a person end it. */
import { ApplicationFailure, CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { ABANDONED, type AbandonRequest } from './contract.ts';
import { STUCK_AFTER } from './profiles.ts';

export interface Watch {
  /** Runs the activity; rejects with ABANDONED when a person gave up on it. */
  over: <T>(activity: () => Promise<T>) => Promise<T>;
  giveUp: (request: AbandonRequest) => string;
}

export function createWatch(setStuck: (stuck: boolean) => void): Watch {
  let abandon: ((request: AbandonRequest) => void) | undefined;
  return {
    over: async (activity) => {
      const scope = new CancellationScope();
      const clock = new CancellationScope();
      let given: AbandonRequest | undefined;
      abandon = (request) => {
        given = request;
        scope.cancel();
      };
      void clock
        .run(() => sleep(STUCK_AFTER, { summary: 'Stuck when the activity still fails then' }))
        .then(
          () => setStuck(true),
          () => undefined,
        );
      try {
        return await scope.run(activity);
      } catch (error) {
        if (!given || !isCancellation(error)) throw error;
        throw ApplicationFailure.nonRetryable(`${given.actor} stopped the attempt: ${given.reason}`, ABANDONED);
      } finally {
        clock.cancel();
        abandon = undefined;
        setStuck(false);
      }
    },
    giveUp: (request) => {
      if (!abandon) return 'Nothing is being retried.';
      abandon(request);
      return 'The attempt is being stopped.';
    },
  };
}
