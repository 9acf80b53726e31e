import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

/** Overdue has begun (TIM-01). */
export const createMarkOverdue = (deps: StepDeps) => (command: StepCommand<'overdue'>) =>
  runStep(deps, 'overdue', command);
