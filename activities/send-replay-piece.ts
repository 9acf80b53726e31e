import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type PieceDeps, sendBatch } from '../event-replays/piece.ts';
import { replayById, replayView } from '../event-replays/rows.ts';
import type { EventSink } from '../messaging/event-sink.ts';
import type { EventReplayInput, EventReplayView } from '../workflows/contract/event-replay.ts';

/** Long enough that a large replay has few events, short enough that its page moves. */
const PIECE_MS = 5_000;
/** For what was being written when the replay was asked for. */
const PAUSE_MS = 500;
const HEARTBEAT_EVERY_MS = 1_000;

export interface ReplayPieceDeps extends PieceDeps {
  /** A sink that makes this topic when it is missing. */
  openSink: (topic: string) => EventSink;
  /** Aborted when the worker is told to stop; the SDK tells activities only after its grace time. */
  stopping: AbortSignal;
}

/**
 * Sends events of a replay for a few seconds, at its pace; null when there is no such replay. A broker or database that
 * is away makes it fail: Temporal tries it again, and shows the attempts and the last error.
 */
export const createSendReplayPiece =
  (deps: ReplayPieceDeps) =>
  async ({ replayId }: EventReplayInput): Promise<EventReplayView | null> => {
    const context = Context.current();
    const stopped = AbortSignal.any([context.cancellationSignal, deps.stopping]);
    const until = performance.now() + PIECE_MS;
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
    let sink: EventSink | undefined;
    try {
      for (;;) {
        const replay = await replayById(deps.database, replayId);
        if (!replay) return null;
        if (replay.status !== 'running' || performance.now() >= until || stopped.aborted)
          return await replayView(deps.database, replay);
        sink ??= deps.openSink(replay.topic);
        const startedAt = performance.now();
        await sink.prepare();
        const { events, waits } = await sendBatch(deps, sink, replay);
        const paceMs = (events / replay.rate) * 1_000 - (performance.now() - startedAt);
        await pause(waits ? PAUSE_MS : Math.max(0, paceMs), undefined, { signal: stopped }).catch(() => undefined);
      }
    } finally {
      clearInterval(beat);
      await sink?.close();
    }
  };
