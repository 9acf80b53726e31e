import { readCashier } from '../invoices/commands.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

export const createUpdateInvoice = (deps: StepDeps) => (command: StepCommand<'update'>) =>
  runStep(deps, 'update', command, { readFacts: readCashier });
