/** Every activity, by the name under which the Web UI shows it. */
import { createCancelInvoice } from './cancel-invoice.ts';
import { createCreateInvoice } from './create-invoice.ts';
import { createFinalizeInvoice } from './finalize-invoice.ts';
import { createLoadInvoice } from './load-invoice.ts';
import { createPayInvoice } from './pay-invoice.ts';
import { type PublishBatchDeps, createPublishBatch } from './publish-batch.ts';
import type { StepDeps } from './run-step.ts';
import { createUpdateInvoice } from './update-invoice.ts';

export type ActivityDeps = Omit<StepDeps, 'nudge'> & PublishBatchDeps;

export const createActivities = (deps: ActivityDeps) => {
  const stepDeps: StepDeps = { ...deps, nudge: deps.nudge.nudge };
  return {
    createInvoice: createCreateInvoice(stepDeps),
    updateInvoice: createUpdateInvoice(stepDeps),
    finalizeInvoice: createFinalizeInvoice(stepDeps),
    payInvoice: createPayInvoice(stepDeps),
    cancelInvoice: createCancelInvoice(stepDeps),
    loadInvoice: createLoadInvoice(deps),
    publishBatch: createPublishBatch(deps),
  };
};

export type Activities = ReturnType<typeof createActivities>;
