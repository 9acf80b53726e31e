/**
 * Tells invoices' workflows to look at Postgres again, for ever: after changes that were made outside of them, and
 * when a timer that should have fired did not. The activity does the work; its attempts and last error are visible here.
 */
import { continueAsNew, proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { checkWakeupRelayStart } from './inputs.ts';
import { table } from './markdown.ts';
import { relaying } from './profiles.ts';

const { sendWakeups } = proxyActivities<Activities>(relaying);

const RUNS_MAX = 500;

export async function wakeupRelay(): Promise<void> {
  checkWakeupRelayStart();
  for (let runs = 0; runs < RUNS_MAX && !workflowInfo().continueAsNewSuggested; runs += 1) {
    const { sent, waiting } = await sendWakeups();
    setCurrentDetails(
      [
        '**Wake-ups for invoices**',
        '',
        table(['Sent in the last minute', 'Waiting'], [sent, waiting]),
        '',
        'An invoice is woken when a billing run has finalized it, or when its timer should have fired and did not.',
      ].join('\n'),
    );
  }
  await continueAsNew<typeof wakeupRelay>();
}
