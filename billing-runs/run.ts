/**
 * Billing runs: the end of a business day finalizes every draft of a tenant that is due.
 *
 * Always true:
 * 1. One run per tenant and day; who asks again joins it.
 * 2. A run finalizes through the same transaction as a single command, many at a time: numbers, events and audit are
 *    the same. Each invoice has a command key of its own in the run, so it is finalized once.
 * 3. The invoices' open workflows learn of it by wake-ups, written in the same commit.
 * 4. No run begins for a day after tomorrow, or by a message that was discarded.
 */
import { z } from 'zod';
import type { BillingRunInput } from '../workflows/contract/billing-run.ts';
import { keyReused } from '../commands/refusal.ts';
import { businessDateError } from './business-date.ts';
import { refused } from '../commands/decision.ts';
import { type Refusal, invalidFields, refusalInWords } from '../commands/refusal.ts';
import { type Database, type TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { type BillingRun, RUN_KEY, billingRunOf, dueDrafts, finalizedByRuns } from './reads.ts';
import { type StartDeps, startWorkflow } from '../commands/workflow-kind.ts';
import { billingRunWorkflow } from './workflow.ts';
import {
  type Invoice,
  type StepCommand,
  type StepCommandDefinition,
  type StepSettings,
  commandOf,
  notAllowed,
  waking,
} from '../invoices/index.ts';
import { newAttemptId } from '../commands/key.ts';
import { discardOf, lockKey } from '../dead-letters/index.ts';
import { carryOutIsolating } from '../commands/isolating.ts';
import type { TransactionDeps } from '../commands/transaction.ts';

const ACTOR = 'billing run';
/** More than that is no fault of single drafts. */
const STOPPED_MAX = 10;

export interface BillingRunRequest extends BillingRunInput {
  /** Sent again with the same key, a request is recorded once. */
  requestKey: string;
  actor: string;
  market: string | null;
  region: string | null;
}

export type Started = { kind: 'started'; run: BillingRun } | { kind: 'refused'; refusal: Refusal };

/**
 * Records the request, and starts the run's workflow unless the run has ended. Refuses a key that was used for another
 * request, and a day that is too far ahead. Rejects when a server is away.
 */
export async function startBillingRun(deps: StartDeps, request: BillingRunRequest, deadline: number): Promise<Started> {
  const because = await record(deps.database, request);
  if (because) return refused(because);
  const run = await billingRunOf(deps.database, request);
  if (!run) throw new TypeError('A billing run that was recorded is not there.');
  if (run.endedAt === null) await startWorkflow(deps, billingRunWorkflow, request, deadline);
  return { kind: 'started', run };
}

/** Why the request is not recorded; null when it is, now or before. */
const record = (
  database: Database,
  { tenantId, businessDate, requestKey, actor, market, region }: BillingRunRequest,
): Promise<Refusal | null> =>
  database.$transaction(async (tx) => {
    // Two requests with one key, at once and for different days, must not both begin.
    await lockKey(tx, tenantId, requestKey);
    const day = new Date(businessDate);
    const known = await tx.billingRunRequest.findFirst({ where: { tenantId, requestKey } });
    if (known) {
      const isSame = known.businessDate.getTime() === day.getTime();
      return isSame && known.market === market && known.region === region ? null : keyReused();
    }
    if (await discardOf(tx, tenantId, requestKey)) return keyReused();
    const now = new Date();
    const wrong = businessDateError(businessDate, now.toISOString());
    if (wrong) return invalidFields([wrong]);
    const run = { tenantId, businessDate: day };
    await tx.billingRun.createMany({ data: { ...run, startedAt: now }, skipDuplicates: true });
    await tx.billingRunRequest.create({ data: { ...run, requestKey, actor, market, region, requestedAt: now } });
    return null;
  });

export type ChunkDeps = TransactionDeps & StepSettings;

/** Drafts that a bug stops, by their ids, with the error. */
export type Stopped = Map<string, unknown>;

const draftRow = z.object({ id: z.string() });

/**
 * Finalizes the next drafts of a run in one commit and returns how many it looked at. One that a bug stops holds up no
 * other: it is noted in `stopped`, and passed over as long as it is there. Rejects when infrastructure failed, or when
 * bugs have stopped STOPPED_MAX drafts.
 */
export async function finalizeChunk(
  deps: ChunkDeps,
  run: BillingRunInput,
  size: number,
  stopped: Stopped = new Map(),
): Promise<number> {
  const due = await queryRows(deps.database, draftRow)`
    SELECT id ${dueDrafts(run)} AND id <> ALL(${[...stopped.keys()]}::uuid[]) ORDER BY due_date, id LIMIT ${size}`;
  const acceptedAt = new Date().toISOString();
  const outcomes = await carryOutIsolating(
    deps,
    (commands) => definitionOf(deps, run, commands),
    due.map(({ id }) => commandFor(run, id, acceptedAt)),
    STOPPED_MAX - stopped.size,
  );
  for (const [index, outcome] of outcomes.entries())
    if (outcome.kind === 'failed') stopped.set(due[index]?.id ?? '', outcome.error);
  return due.length;
}

const commandFor = (
  { tenantId, businessDate }: BillingRunInput,
  invoiceId: string,
  acceptedAt: string,
): StepCommand<'finalize'> => ({
  tenantId,
  invoiceId,
  key: `${RUN_KEY}${businessDate}:${invoiceId}`,
  fingerprint: 'run',
  attemptId: newAttemptId(),
  acceptedAt,
  actor: ACTOR,
  expectedVersion: null,
  body: {},
});

/** A finalize, and in the same commit what the run and the workflows must know of it. */
function definitionOf(
  deps: ChunkDeps,
  run: BillingRunInput,
  commands: readonly StepCommand<'finalize'>[],
): StepCommandDefinition<'finalize'> {
  const finalize = waking(commandOf('finalize', deps), commands);
  return {
    ...finalize,
    decide: (state, command, lookups) =>
      state?.status === 'draft' && (state.dueDate ?? '9999') > run.businessDate
        ? refused(dueDateMoved(state))
        : finalize.decide(state, command, lookups),
    also: async (tx, outcomes) => {
      await finalize.also?.(tx, outcomes);
      const notDone = commands.flatMap(({ invoiceId }, index) => {
        const outcome = outcomes[index];
        return outcome?.kind === 'refused'
          ? [{ invoiceId, code: outcome.refusal.code, detail: refusalInWords(outcome.refusal) }]
          : [];
      });
      const finalized = outcomes.filter(({ kind }) => kind === 'done').length;
      await recordChunk(tx, run, finalized, await withoutOtherRuns(tx, run, notDone));
    },
  };
}

/** Since the drafts were listed somebody has changed this one; a later run will find it. */
const dueDateMoved = ({ dueDate, status }: Invoice): Refusal =>
  notAllowed(status, `The due date was moved to ${dueDate ?? 'none'} while the run was at it.`);

interface NotDone {
  invoiceId: string;
  code: string;
  detail: string;
}

/** What a run of another day has finalized meanwhile is done: two days that end at once want the same drafts. */
async function withoutOtherRuns(
  tx: TransactionClient,
  { tenantId }: BillingRunInput,
  notDone: readonly NotDone[],
): Promise<NotDone[]> {
  const ids = notDone.map(({ invoiceId }) => invoiceId);
  const done = new Set(ids.length > 0 ? await finalizedByRuns(tx, tenantId, ids) : []);
  return notDone.filter(({ invoiceId }) => !done.has(invoiceId));
}

async function recordChunk(
  tx: TransactionClient,
  { tenantId, businessDate }: BillingRunInput,
  finalized: number,
  notDone: readonly NotDone[],
): Promise<void> {
  const day = new Date(businessDate);
  const { count: refusedNow } = await tx.billingRunRefusal.createMany({
    data: notDone.map((one) => ({ tenantId, businessDate: day, ...one })),
    skipDuplicates: true,
  });
  await tx.billingRun.updateMany({
    where: { tenantId, businessDate: day },
    data: { finalized: { increment: finalized }, refused: { increment: refusedNow } },
  });
}

/** Notes that nothing is left of a run; the first to see it counts. */
export async function endRun({ billingRun }: Database, { tenantId, businessDate }: BillingRunInput): Promise<void> {
  await billingRun.updateMany({
    where: { tenantId, businessDate: new Date(businessDate), endedAt: null },
    data: { endedAt: new Date() },
  });
}
