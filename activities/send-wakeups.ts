import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { startMissingBillingRuns } from '../commands/billing-run.ts';
import { startMissingBatches } from '../commands/dead-letter-batch.ts';
import { startMissingDeadLetters } from '../commands/dead-letters.ts';
import { type SendDeps, wakeInvoice } from '../commands/send.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import type { WakeupReport } from '../workflows/contract.ts';

/** Long enough that an idle relay writes hardly any history. */
const RUN_MS = 60_000;
const BATCH_MAX = 25;
/** Pace: at most one batch a second, so that callers keep most of the machine while thousands wait. */
const BATCH_EVERY_MS = 1_000;
const SWEEP_EVERY_MS = 15_000;
/** A workflow that lives carries its timer out long before. */
const MISSED_AFTER_MS = 60_000;
const SWEEP_MAX = 100;
const CALL_LIMIT_MS = 5_000;
const HEARTBEAT_EVERY_MS = 1_000;

export interface SendWakeupsDeps {
  database: Database;
  send: SendDeps;
  logger: Logger;
  /** Aborted when the worker is told to stop. */
  stopping: AbortSignal;
}

/**
 * Tells workflows that their invoice was changed outside of them, and starts those that are missing: an invoice whose
 * timer should have rung a minute ago has none; dead letters, batches of them and billing runs that are not done have
 * their turns (queries/workflows-due.ts). Works for a minute; a server that is away makes it fail, and Temporal tries
 * it again.
 */
export const createSendWakeups = (deps: SendWakeupsDeps) => async (): Promise<WakeupReport> => {
  const context = Context.current();
  const stopped = AbortSignal.any([context.cancellationSignal, deps.stopping]);
  const until = Date.now() + RUN_MS;
  let sent = 0;
  let sweepAt = 0;
  const beat = setInterval(() => context.heartbeat({ sent }), HEARTBEAT_EVERY_MS);
  try {
    while (Date.now() < until && !stopped.aborted) {
      const startedAt = Date.now();
      if (startedAt >= sweepAt) {
        await findMissedTimers(deps.database);
        await startMissingDeadLetters({ ...deps.send, ...deps }, SWEEP_MAX);
        await startMissingBillingRuns({ ...deps.send, ...deps }, SWEEP_MAX);
        await startMissingBatches(deps, SWEEP_MAX);
        sweepAt = startedAt + SWEEP_EVERY_MS;
      }
      sent += await sendBatch(deps);
      const leftMs = Math.max(0, BATCH_EVERY_MS - (Date.now() - startedAt));
      // Ends early when the worker stops; the loop sees it.
      await pause(leftMs, undefined, { signal: stopped }).catch(() => undefined);
    }
    return { sent, waiting: await deps.database.workflowWakeup.count() };
  } finally {
    clearInterval(beat);
  }
};

/** Sends the oldest wake-ups; a row goes only after its workflow has the signal. Returns how many were sent. */
async function sendBatch({ database, send }: SendWakeupsDeps): Promise<number> {
  const wakeups = await database.workflowWakeup.findMany({ orderBy: { position: 'asc' }, take: BATCH_MAX });
  for (const { position, tenantId, invoiceId } of wakeups) {
    await send.client.withDeadline(Date.now() + CALL_LIMIT_MS, () => wakeInvoice(send, { tenantId, invoiceId }));
    await database.workflowWakeup.deleteMany({ where: { position } });
  }
  return wakeups.length;
}

/** Invoices whose timer should have rung: their workflow was terminated, or lost with its namespace. */
async function findMissedTimers(database: Database): Promise<void> {
  await database.$executeRaw`
    INSERT INTO workflow_wakeups (tenant_id, invoice_id)
    SELECT tenant_id, id FROM invoices
    WHERE next_timer_at < now() - ${MISSED_AFTER_MS} * interval '1 millisecond'
      AND NOT EXISTS (SELECT FROM workflow_wakeups WHERE tenant_id = invoices.tenant_id AND invoice_id = invoices.id)
    ORDER BY next_timer_at LIMIT ${SWEEP_MAX}`;
}
