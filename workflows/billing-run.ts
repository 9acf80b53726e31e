/**
 * The end of a business day for one tenant: every draft that is due gets its number. The activity does the work in
 * bounded pieces; Postgres holds how far it is, so a run that is terminated goes on: it is started again.
 */
import type { BillingRunInput, BillingRunProgress } from './contract/billing-run.ts';
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { checkBillingRunStart } from './inputs.ts';
import { table } from './markdown.ts';
import { inPieces } from './profiles.ts';

const { finalizeDueDrafts } = proxyActivities<Activities>(inPieces);

export async function billingRun(input: BillingRunInput): Promise<BillingRunProgress> {
  checkBillingRunStart(input);
  for (;;) {
    const progress = await finalizeDueDrafts(input);
    setCurrentDetails(billingRunDetails(input, progress));
    if (progress.left === 0) return progress;
  }
}

export const billingRunDetails = (
  { businessDate }: BillingRunInput,
  { finalized, refused, left }: BillingRunProgress,
): string =>
  [
    `**Billing run of ${businessDate}${left === 0 ? ': done' : ''}**`,
    '',
    table(['Finalized', 'Refused', 'Left'], [finalized, refused, left]),
    '',
    ...(refused > 0 ? [`What was refused, and why: \`GET /v1/billing-runs/${businessDate}\`.`] : []),
    ...(left > 0 ? ['The run goes on by itself, after a failure and after it was terminated.'] : []),
  ].join('\n');
