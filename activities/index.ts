/** Every activity, by the name under which the Web UI shows it. */
import { createCancelInvoice } from './cancel-invoice.ts';
import { createCreateInvoice } from './create-invoice.ts';
import { createDiscardMessage } from './discard-message.ts';
import { type FinalizeDeps, createFinalizeInvoice } from './finalize-invoice.ts';
import { createLoadDeadLetter } from './load-dead-letter.ts';
import { createLoadInvoice } from './load-invoice.ts';
import { createMarkOverdue } from './mark-overdue.ts';
import { createPayInvoice } from './pay-invoice.ts';
import { type PublishBatchDeps, createPublishBatch } from './publish-batch.ts';
import { createRemindOfPayment } from './remind-of-payment.ts';
import { type ReplayMessageDeps, createReplayMessage } from './replay-message.ts';
import { type SendWakeupsDeps, createSendWakeups } from './send-wakeups.ts';
import { createFinalizeDueDrafts } from './finalize-due-drafts.ts';
import { createUpdateInvoice } from './update-invoice.ts';

export type ActivityDeps = Omit<FinalizeDeps, 'nudge'> & PublishBatchDeps & SendWakeupsDeps & ReplayMessageDeps;

export const createActivities = (deps: ActivityDeps) => {
  const stepDeps: FinalizeDeps = { ...deps, nudge: deps.nudge.nudge };
  return {
    createInvoice: createCreateInvoice(stepDeps),
    updateInvoice: createUpdateInvoice(stepDeps),
    finalizeInvoice: createFinalizeInvoice(stepDeps),
    payInvoice: createPayInvoice(stepDeps),
    cancelInvoice: createCancelInvoice(stepDeps),
    markOverdue: createMarkOverdue(stepDeps),
    remindOfPayment: createRemindOfPayment(stepDeps),
    loadInvoice: createLoadInvoice(deps),
    loadDeadLetter: createLoadDeadLetter(deps),
    replayMessage: createReplayMessage(deps),
    discardMessage: createDiscardMessage(deps),
    publishBatch: createPublishBatch(deps),
    sendWakeups: createSendWakeups(deps),
    finalizeDueDrafts: createFinalizeDueDrafts(stepDeps),
  };
};

export type Activities = ReturnType<typeof createActivities>;
