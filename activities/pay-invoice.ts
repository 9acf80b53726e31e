import { readPayment } from '../invoices/commands.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

/** Paying records the payment in the same commit (INV-42). */
export const createPayInvoice = (deps: StepDeps) => (command: StepCommand<'pay'>) =>
  runStep(deps, 'pay', command, { readFacts: readPayment });
