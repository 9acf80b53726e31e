import type { DeadLetterBatchInput, DeadLetterBatchProgress } from '../workflows/contract/dead-letter-batch.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type BatchDeps, decideNext, endBatch } from '../dead-letters/batch.ts';
import { batchProgress } from '../dead-letters/batch-reads.ts';

/** Long enough that a large batch has few events, short enough that its page moves. */
const PIECE_MS = 5_000;
/** Pace: ten a second, so that callers keep most of the machine and the cause is not hit by thousands at once. */
const DEAD_LETTER_EVERY_MS = 100;
/** How long one dead letter may take, in one attempt. */
const DEAD_LETTER_LIMIT_MS = 10_000;
/** So often a dead letter without an answer is tried before the others go on. */
const ATTEMPTS_MAX = 3;
const HEARTBEAT_EVERY_MS = 1_000;

/** Works on a batch for a few seconds; one without anything left is marked as ended. */
export const createDecideLetters =
  (deps: BatchDeps) =>
  async (batch: DeadLetterBatchInput): Promise<DeadLetterBatchProgress> => {
    const context = Context.current();
    const limits = { limitMs: DEAD_LETTER_LIMIT_MS, mayRetry: context.info.attempt < ATTEMPTS_MAX };
    const until = performance.now() + PIECE_MS;
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
    try {
      while (performance.now() < until && !context.cancellationSignal.aborted) {
        const nextAt = performance.now() + DEAD_LETTER_EVERY_MS;
        if (!(await decideNext(deps, batch, limits))) break;
        await pause(Math.max(0, nextAt - performance.now()));
      }
      const progress = await batchProgress(deps.database, batch.batchId);
      if (progress.left === 0) await endBatch(deps.database, batch);
      return progress;
    } finally {
      clearInterval(beat);
    }
  };
