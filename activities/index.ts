/** Every activity, by the name under which the Web UI shows it. */
import { startSoon } from '../dead-letters/open.ts';
import { createCancelInvoice } from './cancel-invoice.ts';
import { createCreateInvoice } from './create-invoice.ts';
import { createDecideLetters } from './decide-letters.ts';
import { createDiscardMessage } from './discard-message.ts';
import { type EditMessageDeps, createEditMessage } from './edit-message.ts';
import { createEscalateDeadLetter } from './escalate-dead-letter.ts';
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
import { failingWellFormed } from './well-formed.ts';
import { createWithholdEvent } from './withhold-event.ts';

export type ActivityDeps = Omit<FinalizeDeps, 'nudge'> &
  PublishBatchDeps &
  SendWakeupsDeps &
  ReplayMessageDeps &
  EditMessageDeps;

export const createActivities = (deps: ActivityDeps) => {
  const stepDeps: FinalizeDeps = { ...deps, nudge: deps.nudge.nudge };
  return failingWellFormed({
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
    editMessage: createEditMessage(deps),
    discardMessage: createDiscardMessage(deps),
    withholdEvent: createWithholdEvent(deps),
    escalateDeadLetter: createEscalateDeadLetter(deps),
    decideLetters: createDecideLetters(deps),
    publishBatch: createPublishBatch({ ...deps, letterOpened: (id) => void startSoon({ ...deps.send, ...deps }, id) }),
    sendWakeups: createSendWakeups(deps),
    finalizeDueDrafts: createFinalizeDueDrafts(stepDeps),
  });
};

export type Activities = ReturnType<typeof createActivities>;
