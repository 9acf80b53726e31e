import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

export const createCancelInvoice = (deps: StepDeps) => (command: StepCommand<'cancel'>) =>
  runStep(deps, 'cancel', command);
