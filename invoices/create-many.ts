/**
 * Many invoices at once: drafted and, where asked, finalized through the same transaction as one by one, many in a
 * commit, and without their workflows. Those learn of it by wake-ups, written in the same commit.
 */
import { type IsolatedOutcome, carryOutIsolating } from '../commands/isolating.ts';
import { type Load, givingWay } from '../commands/load.ts';
import type { TransactionDeps } from '../commands/transaction.ts';
import { type StepCommandDefinition, type StepSettings, commandOf } from './commands.ts';
import type { Invoice, Step, StepCommand } from './lifecycle.ts';
import type { WireInvoice } from './wire.ts';

export interface ManyDeps extends TransactionDeps, StepSettings {
  load: Load;
}

export type ManyOutcome = IsolatedOutcome<Invoice, WireInvoice>;

/** In one commit: enough to be quick, few enough for the deadline of a statement on a busy machine. */
const CHUNK = 100;
/** While other callers are waiting. */
const CHUNK_BESIDE_CALLERS = 20;
/** Whoever has sent them is waiting too. */
const GIVES_WAY_MS = 2_000;
/** More than that in a chunk is no fault of single rows. */
const FAILED_MAX = 10;

/**
 * Carries commands of one step out, all of one tenant and each about another invoice, and gives their outcomes in their
 * order. `wakes`: their workflows are to learn of it. Rejects when infrastructure failed; sent again, what was carried
 * out is replayed.
 */
export async function carryOutMany<S extends Step>(
  deps: ManyDeps,
  step: S,
  commands: readonly StepCommand<S>[],
  { wakes }: { wakes: boolean },
): Promise<ManyOutcome[]> {
  const outcomes: ManyOutcome[] = [];
  const carryOutNext = async (callersWait: boolean): Promise<boolean> => {
    const chunk = commands.slice(outcomes.length, outcomes.length + (callersWait ? CHUNK_BESIDE_CALLERS : CHUNK));
    const definitionOf = (some: readonly StepCommand<S>[]) =>
      wakes ? waking(commandOf(step, deps), some) : commandOf(step, deps);
    outcomes.push(...(await carryOutIsolating(deps, definitionOf, chunk, FAILED_MAX)));
    return outcomes.length === commands.length;
  };
  await givingWay(deps.load, carryOutNext, { givesWayMs: GIVES_WAY_MS });
  return outcomes;
}

/** The same, with a wake-up for each command that was carried out. */
export const waking = <S extends Step>(
  definition: StepCommandDefinition<S>,
  commands: readonly StepCommand<S>[],
): StepCommandDefinition<S> => ({
  ...definition,
  also: async (tx, outcomes) => {
    await definition.also?.(tx, outcomes);
    const done = commands.filter((_, index) => outcomes[index]?.kind === 'done');
    if (done.length === 0) return;
    const [tenants, invoices] = [done.map(({ tenantId }) => tenantId), done.map(({ invoiceId }) => invoiceId)];
    await tx.$executeRaw`
      INSERT INTO workflow_wakeups (tenant_id, invoice_id) SELECT * FROM unnest(${tenants}::uuid[], ${invoices}::uuid[])`;
  },
});
