import { PUBLISHING_FAILED, type RelayInput, type RelayReport } from '../workflows/contract/outbox-relay.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Notifier } from '../messaging/notify.ts';
import { type Away, type PublishDeps, publishPending } from '../messaging/publish.ts';
import { outboxBacklog } from '../messaging/backlog.ts';

/** Long enough that an idle relay writes hardly any history. */
const RUN_MS = 60_000;
/** After work: time for more to come together in one batch. */
const PAUSE_AFTER_WORK_MS = 40;
/** Without work a notification ends the wait; commits of other processes are found at the next poll. */
const PAUSE_IDLE_MS = 75;
/** While nothing but what is away waits: it is looked through each time. */
const PAUSE_AWAY_MS = 1_000;
const HEARTBEAT_EVERY_MS = 1_000;
const ERROR_LENGTH_MAX = 200;

export interface PublishBatchDeps extends PublishDeps {
  notifier: Notifier;
  /** How many relays share the streams. */
  shards: number;
  /** Told how publishing goes. */
  meter?: { published: (events: number) => void; publishFailed: () => void };
  /** Aborted when the worker is told to stop; the SDK tells activities only after its grace time. */
  stopping: AbortSignal;
}

/**
 * Publishes a shard's events for a minute. A broker or database that is away makes it fail: Temporal tries it again,
 * and shows the attempts and the last error. The failure carries the report as far as it is known. Returns null when
 * the number of relays was changed: this one is to end, and a worker opens those that take its place.
 */
export const createPublishBatch = (deps: PublishBatchDeps) => {
  let lastError: NonNullable<RelayReport['lastError']> | null = null;
  return async ({ shard, shards }: RelayInput): Promise<RelayReport | null> => {
    if (shards !== deps.shards) return null;
    const context = Context.current();
    const stopped = AbortSignal.any([context.cancellationSignal, deps.stopping]);
    const until = performance.now() + RUN_MS;
    const isOver = () => performance.now() >= until || stopped.aborted;
    let published = 0;
    const away: Away = new Map();
    // Beside the work, not in it: a slow broker must not look like a dead worker.
    const beat = setInterval(() => context.heartbeat({ published }), HEARTBEAT_EVERY_MS);
    try {
      await deps.sink.prepare();
      while (!isOver()) {
        const sent = await publishPending({ ...deps, isOver, away }, shard, shards);
        published += sent;
        deps.meter?.published(sent);
        const [part] = away.values();
        if (part) lastError = { at: new Date().toISOString(), message: messageOf(part.because) };
        if (sent > 0) await pause(PAUSE_AFTER_WORK_MS);
        else if (part) await pause(PAUSE_AWAY_MS);
        else await deps.notifier.wait(PAUSE_IDLE_MS, stopped);
      }
      return { published, ...(await outboxBacklog(deps.database)), lastError };
    } catch (error) {
      deps.meter?.publishFailed();
      lastError = { at: new Date().toISOString(), message: messageOf(error) };
      const backlog = await outboxBacklog(deps.database).catch(() => undefined);
      throw ApplicationFailure.create({
        message: lastError.message,
        type: PUBLISHING_FAILED,
        details: backlog ? [{ published, ...backlog, lastError } satisfies RelayReport] : [],
      });
    } finally {
      clearInterval(beat);
    }
  };
};

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LENGTH_MAX);
