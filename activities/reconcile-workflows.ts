import { type InvoiceInput, invoiceWorkflowId } from '../workflows/contract/invoice.ts';
import type { WakeupReport } from '../workflows/contract/wakeup-relay.ts';
import { createSweep } from '../commands/workflow-kind.ts';
import { signalInvoice } from '../invoices/workflow.ts';
import { workflowKinds } from '../registry/workflow-kinds.ts';
import type { SendDeps } from '../commands/send-update.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { NIL } from 'uuid';
import { z } from 'zod';
import { type Load, pauseAfter } from '../commands/load.ts';
import { startEach } from '../commands/start-workflows.ts';
import type { Database } from '../platform/database.ts';
import { mayPass } from '../platform/failed-server.ts';
import type { Logger } from '../platform/logger.ts';
import { queryRows } from '../platform/rows.ts';

/** Long enough that an idle relay writes hardly any history. */
const RUN_MS = 60_000;
/**
 * Few: when they are sent, those of the batch before may not be taken yet, and a command that comes meanwhile waits
 * behind the tasks of all of them.
 */
const BATCH_MAX = 16;
const BATCH_MIN = 4;
const AT_ONCE = 8;
/** While nothing waits. */
const POLL_EVERY_MS = 1_000;
const SWEEP_EVERY_MS = 15_000;
/** A workflow that lives carries its timer out long before. */
const MISSED_AFTER_MS = 60_000;
const SWEEP_MAX = 100;
const CALL_LIMIT_MS = 5_000;
const TAKEN_LIMIT_MS = 2_000;
const TAKEN_POLL_MS = 10;
const HEARTBEAT_EVERY_MS = 1_000;

export interface ReconcileDeps {
  database: Database;
  send: SendDeps;
  logger: Logger;
  /** The most workflows that are woken in a second. */
  wakeupsPerSecond: number;
  load: Load;
  /** The chunks of billing runs. */
  runs: Load;
  /** Aborted when the worker is told to stop. */
  stopping: AbortSignal;
}

/**
 * Tells workflows that their invoice was changed outside of them, and starts those that are missing: an invoice whose
 * timer should have fired a minute ago has none; invoices with a timer, dead letters, batches of them and billing runs
 * that are not done are swept (registry/workflow-kinds.ts). Works for a minute; a server that is away makes it
 * fail, and Temporal tries it again.
 */
export const createReconcileWorkflows = (deps: ReconcileDeps) => {
  const findMissedTimers = createFindMissedTimers(deps.database);
  const sweeps = workflowKinds.map((kind) => createSweep({ ...deps.send, ...deps }, kind));
  return async (): Promise<WakeupReport> => {
    const context = Context.current();
    const stopped = AbortSignal.any([context.cancellationSignal, deps.stopping]);
    const until = performance.now() + RUN_MS;
    let sent = 0;
    let sweepAt = 0;
    let taken = Promise.resolve();
    let callersWait = false;
    const beat = setInterval(() => context.heartbeat({ sent }), HEARTBEAT_EVERY_MS);
    try {
      while (performance.now() < until && !stopped.aborted) {
        const startedAt = performance.now();
        const [hasCommand, hasChunk] = [deps.load.watch(), deps.runs.watch()];
        if (startedAt >= sweepAt) {
          await findMissedTimers();
          for (const sweep of sweeps) await sweep(SWEEP_MAX);
          sweepAt = startedAt + SWEEP_EVERY_MS;
        }
        const { batch, last } = await sendBatch(deps, callersWait ? BATCH_MIN : BATCH_MAX);
        sent += batch;
        await taken;
        if (last) taken = untilTaken(deps, last);
        const tookMs = performance.now() - startedAt;
        const paceMs = (batch / deps.wakeupsPerSecond) * 1_000 - tookMs;
        // Commands go first: while there are some, most of the time is theirs alone, and few wake-ups are under way.
        callersWait = hasCommand();
        const yieldMs = callersWait || hasChunk() ? pauseAfter(performance.now() - startedAt) : 0;
        const leftMs = batch === 0 ? POLL_EVERY_MS : Math.max(0, paceMs, yieldMs);
        // Ends early when the worker stops; the loop sees it.
        await pause(leftMs, undefined, { signal: stopped }).catch(() => undefined);
      }
      return { sent, waiting: await deps.database.workflowWakeup.count() };
    } finally {
      clearInterval(beat);
    }
  };
};

/** Sends the oldest wake-ups. Returns how many were sent, and the last one. Rejects when none could be. */
async function sendBatch(
  deps: ReconcileDeps,
  size: number,
): Promise<{ batch: number; last: InvoiceInput | undefined }> {
  const { database, logger } = deps;
  const wakeups = await database.workflowWakeup.findMany({ orderBy: { position: 'asc' }, take: size });
  const sent: InvoiceInput[] = [];
  const done: bigint[] = [];
  try {
    await startEach(
      wakeups,
      async ({ position, ...invoice }) => {
        if (await sendOne(deps, { position, ...invoice })) sent.push(invoice);
        done.push(position);
      },
      ({ invoiceId }, error) => logger.warn({ err: error, invoiceId }, 'an invoice could not be woken'),
      AT_ONCE,
    );
  } finally {
    if (done.length > 0) await database.workflowWakeup.deleteMany({ where: { position: { in: done } } });
  }
  return { batch: sent.length, last: sent.at(-1) };
}

/**
 * A row goes after its workflow has the signal, or when Temporal would refuse it for ever: a timer that is missed
 * brings it back. What may pass goes behind the others, and rejects. Returns whether the workflow has the signal.
 */
async function sendOne(
  { database, send, logger }: ReconcileDeps,
  { position, tenantId, invoiceId }: InvoiceInput & { position: bigint },
): Promise<boolean> {
  try {
    await send.client.withDeadline(Date.now() + CALL_LIMIT_MS, () => signalInvoice(send, { tenantId, invoiceId }));
    return true;
  } catch (error) {
    if (mayPass(error)) {
      await database.$executeRaw`UPDATE workflow_wakeups SET position = DEFAULT WHERE position = ${position}`;
      throw error;
    }
    logger.error({ err: error, tenantId, invoiceId }, 'Temporal refuses to wake an invoice');
    return false;
  }
}

/** A workflow whose tasks fail, or a server that does not say, is not waited for beyond a moment. */
async function untilTaken({ send: { client } }: ReconcileDeps, { tenantId, invoiceId }: InvoiceInput): Promise<void> {
  const until = Date.now() + TAKEN_LIMIT_MS;
  const handle = client.workflow.getHandle(invoiceWorkflowId(tenantId, invoiceId));
  const isTaken = async () => !(await handle.describe()).raw.pendingWorkflowTask;
  while (Date.now() < until && !(await client.withDeadline(until, isTaken).catch(() => true)))
    await pause(TAKEN_POLL_MS);
}

const missedTimerRow = z.object({ at: z.string(), tenant_id: z.string(), id: z.string() });

const FROM_THE_FIRST: z.infer<typeof missedTimerRow> = { at: '-infinity', tenant_id: NIL, id: NIL };

/**
 * Invoices whose timer should have fired: their workflow was terminated, or lost with its namespace. Each look goes on
 * behind the one before, and in the end from the first again: timers that cannot be carried out hold no others up.
 */
function createFindMissedTimers(database: Database): () => Promise<void> {
  let after = FROM_THE_FIRST;
  return async () => {
    const missed = await queryRows(database, missedTimerRow)`
      WITH missed AS (
        SELECT next_timer_at, tenant_id, id FROM invoices
        WHERE next_timer_at < now() - ${MISSED_AFTER_MS} * interval '1 millisecond'
          AND (next_timer_at, tenant_id, id) > (${after.at}::timestamptz, ${after.tenant_id}::uuid, ${after.id}::uuid)
        ORDER BY next_timer_at, tenant_id, id LIMIT ${SWEEP_MAX}),
      asked AS (
        INSERT INTO workflow_wakeups (tenant_id, invoice_id) SELECT tenant_id, id FROM missed
        WHERE NOT EXISTS (SELECT FROM workflow_wakeups WHERE tenant_id = missed.tenant_id AND invoice_id = missed.id))
      SELECT next_timer_at::text AS at, tenant_id, id FROM missed ORDER BY next_timer_at, tenant_id, id`;
    after = (missed.length === SWEEP_MAX ? missed.at(-1) : undefined) ?? FROM_THE_FIRST;
  };
}
