/**
 * One decision about many dead letters, at a bounded pace.
 *
 * Always true:
 * 1. Which dead letters is settled when it is asked for: the open ones of the tenant that the filter names, for a
 *    discard the messages among them. A dead letter that is opened later is not decided.
 * 2. Each is decided through its own workflow, as if a person had sent the decision; its id follows from the batch's
 *    and the dead letter's, so that a piece of work done again decides nothing twice.
 * 3. The row comes first, then the workflow, then the row says so. What a crash left undone, or staff have terminated,
 *    the sweep for missing workflows starts.
 */
import type { DeadLetterBatchInput } from '../workflows/contract/dead-letter-batch.ts';
import { type SendDeps, isOpen } from '../commands/send-update.ts';
import { v5 as uuidv5 } from 'uuid';
import type { BatchAction } from './dead-letter.ts';
import type { Database } from '../platform/database.ts';
import { deadLetterById } from './rows.ts';
import { type DeadLetterBatch, type GroupFilter, batchById } from './batch-reads.ts';
import { startWorkflow } from '../commands/workflow-kind.ts';
import { batchWorkflow } from './batch-workflow.ts';
import { type DecisionResult, sendDecision } from './send.ts';

export interface BatchDeps {
  database: Database;
  send: SendDeps;
}

export interface BatchRequest {
  id: string;
  tenantId: string;
  action: BatchAction;
  filter: GroupFilter;
  operator: string;
  reason: string;
}

/** The oldest so many; the same request again takes the next. */
export const BATCH_SIZE_MAX = 10_000;

/** Records the request, and starts the batch's workflow. The same id again joins the batch that is there. */
export async function startBatch(deps: BatchDeps, request: BatchRequest, deadline: number): Promise<DeadLetterBatch> {
  await record(deps.database, request);
  const batch = await batchById(deps.database, request.id);
  if (!batch) throw new TypeError('A batch that was recorded is not there.');
  if (batch.endedAt === null)
    await startWorkflow({ ...deps.send, database: deps.database }, batchWorkflow, batch, deadline);
  return batch;
}

/** Batch and dead letters in one statement: they are those of one instant. */
async function record(
  database: Database,
  { id, tenantId, action, filter, operator, reason }: BatchRequest,
): Promise<void> {
  await database.$executeRaw`
    WITH batch AS (
      INSERT INTO dead_letter_batches (id, tenant_id, verb, filter, operator, reason, started_at)
      VALUES (${id}::uuid, ${tenantId}::uuid, ${action}, ${JSON.stringify(filter)}, ${operator}, ${reason}, now())
      ON CONFLICT (id) DO NOTHING RETURNING id)
    INSERT INTO dead_letter_batch_items (batch_id, dead_letter_id)
    SELECT batch.id, letter.id FROM batch, dead_letters letter
    WHERE letter.tenant_id = ${tenantId}::uuid AND letter.resolved_at IS NULL
      AND letter.reason = coalesce(${filter.reason ?? null}, letter.reason)
      AND letter.topic = coalesce(${filter.topic ?? null}, letter.topic)
      AND (${filter.type ?? null}::text IS NULL OR letter.type = ${filter.type ?? null})
      AND (${action} = 'replay' OR letter.direction = 'inbound')
    ORDER BY letter.id LIMIT ${BATCH_SIZE_MAX}`;
}

/** A decision is the batch's and the dead letter's. */
const decisionIdOf = (batchId: string, deadLetterId: string): string => uuidv5(deadLetterId, batchId);

/**
 * Decides the next dead letter of a batch; false when none is left. With `mayRetry`, one without
 * an answer makes it reject, to be tried again; else that is noted, and the next ones go on.
 */
export async function decideNext(
  { database, send }: BatchDeps,
  { batchId }: DeadLetterBatchInput,
  { limitMs, mayRetry }: { limitMs: number; mayRetry: boolean },
): Promise<boolean> {
  const batch = await database.deadLetterBatch.findUniqueOrThrow({ where: { id: batchId } });
  const where = { batchId, outcome: null };
  const item = await database.deadLetterBatchItem.findFirst({ where, orderBy: { deadLetterId: 'asc' } });
  if (!item) return false;
  const { deadLetterId } = item;
  const deadLetter = await deadLetterById(database, deadLetterId);
  if (!deadLetter) throw new TypeError(`The dead letter ${deadLetterId} of a batch is not there.`);
  const { operator, reason } = batch;
  const decision = { operator, reason, decisionId: decisionIdOf(batchId, deadLetterId) };
  const result = await sendDecision(send, deadLetter, batch.action as BatchAction, decision, Date.now() + limitMs);
  if (isOpen(result) && mayRetry) throw new Error(`The dead letter ${deadLetterId} has no answer yet.`);
  await database.deadLetterBatchItem.updateMany({ where: { ...where, deadLetterId }, data: outcomeOf(result) });
  return true;
}

/** Notes that nothing is left of a batch; the first to see it counts. */
export async function endBatch({ deadLetterBatch }: Database, { batchId }: DeadLetterBatchInput): Promise<void> {
  await deadLetterBatch.updateMany({ where: { id: batchId, endedAt: null }, data: { endedAt: new Date() } });
}

function outcomeOf(result: DecisionResult): { outcome: 'done' | 'refused' | 'unknown'; detail: string | null } {
  switch (result.kind) {
    case 'answered':
      return result.answer.status === 'open'
        ? { outcome: 'refused', detail: `${result.answer.reason}: ${result.answer.detail}` }
        : { outcome: 'done', detail: null };
    case 'resolved':
      return { outcome: 'refused', detail: 'Another decision was first.' };
    case 'refused':
      return { outcome: 'refused', detail: result.detail };
    case 'failed':
      return { outcome: 'refused', detail: 'The decision could not be carried out; nothing was recorded.' };
    case 'stopped':
      return { outcome: 'unknown', detail: result.detail };
    case 'pending':
    case 'unknown':
      return { outcome: 'unknown', detail: 'No answer in time; its own workflow goes on with it.' };
  }
}
