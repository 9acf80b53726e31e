import { readCashier } from '../invoices/commands.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

export const createCreateInvoice = (deps: StepDeps) => (command: StepCommand<'create'>) =>
  runStep(deps, 'create', command, { readFacts: readCashier });
