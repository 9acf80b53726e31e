import { drawNumbers } from '../invoices/commands.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

export interface FinalizeDeps extends StepDeps {
  /** For tests: overdue begins so long after finalizing. */
  overdueAfterMs: number | undefined;
}

export const createFinalizeInvoice = (deps: FinalizeDeps) => (command: StepCommand<'finalize'>) =>
  runStep(deps, 'finalize', command, {
    complete: drawNumbers,
    readFacts: async () => (deps.overdueAfterMs === undefined ? {} : { overdueAfterMs: deps.overdueAfterMs }),
  });
