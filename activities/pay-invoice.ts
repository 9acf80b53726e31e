import { paymentWithReference } from '../queries/payment-with-reference.ts';
import type { StepCommand } from '../workflows/contract.ts';
import { type StepDeps, runStep } from './run-step.ts';

/** Paying records the payment in the same commit (INV-42); its reference decides whether it is a new one (INV-41). */
export const createPayInvoice = (deps: StepDeps) => (command: StepCommand<'pay'>) =>
  runStep(deps, 'pay', command, {
    readFacts: async (tx) => ({
      paymentWithReference: await paymentWithReference(tx, command.tenantId, command.body.reference),
    }),
  });
