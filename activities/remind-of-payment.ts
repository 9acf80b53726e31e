import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

/** A reminder of the payment has fallen due (TIM-02). */
export const createRemindOfPayment = (deps: StepDeps) => (command: StepCommand<'remind'>) =>
  runStep(deps, 'remind', command);
