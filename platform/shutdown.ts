/** Ends a process in order: what was started last stops first, each with a limit. */
import pDefer from 'p-defer';
import pTimeout from 'p-timeout';
import type { Logger } from './logger.ts';

type Stop = () => Promise<unknown> | void;

export interface Shutdown {
  /** Registers how to stop something that now runs. */
  onStop: (name: string, stop: Stop) => void;
  /** Resolves when SIGINT or SIGTERM came, or `fail` was called, and everything has stopped. */
  done: Promise<void>;
  /** Stops everything because of an error; the process will exit with 1. */
  fail: (error: unknown) => void;
}

const STEP_LIMIT_MS = 20_000;

export function createShutdown(logger: Logger): Shutdown {
  const stops: { name: string; stop: Stop }[] = [];
  const { promise: done, resolve } = pDefer<void>();
  let stopping = false;

  async function stopAll(): Promise<void> {
    if (stopping) return;
    stopping = true;
    for (const { name, stop } of stops.toReversed()) {
      logger.debug({ part: name }, 'stopping');
      const message = `${name} took longer than ${STEP_LIMIT_MS} ms to stop`;
      await pTimeout(Promise.resolve(stop()), { milliseconds: STEP_LIMIT_MS, message }).catch((error: unknown) => {
        process.exitCode = 1;
        logger.error({ err: error, part: name }, 'did not stop in order');
      });
    }
    resolve();
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stopAll());
  return {
    onStop: (name, stop) => void stops.push({ name, stop }),
    done,
    fail: (error) => {
      // What was still starting has lost what it needs.
      if (stopping) return logger.debug({ err: error }, 'failed while everything was being stopped');
      process.exitCode = 1;
      logger.fatal({ err: error }, 'the process cannot go on');
      void stopAll();
    },
  };
}
