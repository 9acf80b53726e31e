/**
 * Deletes once a day what has been kept for long enough, for ever. The activity does the work, a piece at a time; its
 * attempts and last error are visible here.
 */
import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { checkRetentionStart } from './inputs.ts';
import { readable, table } from './markdown.ts';
import { inPieces } from './profiles.ts';

const { pruneHistory } = proxyActivities<Activities>(inPieces);

const EVERY = '1 day';
const FROM_THE_FIRST = '0';

export async function retention(): Promise<void> {
  checkRetentionStart();
  let pruned = 0;
  let after = FROM_THE_FIRST;
  while (!workflowInfo().continueAsNewSuggested) {
    const report = await pruneHistory({ after });
    pruned += report.pruned;
    setCurrentDetails(details(pruned, report.keptDays, report.after === null));
    after = report.after ?? FROM_THE_FIRST;
    if (report.after !== null) continue;
    await sleep(EVERY, { summary: 'Looks once a day' });
    pruned = 0;
  }
  await continueAsNew<typeof retention>();
}

const details = (pruned: number, keptDays: number, isDone: boolean): string =>
  [
    '**Retention**',
    '',
    table(
      [isDone ? 'Deleted by the last look' : 'Deleted so far', 'Looked at (UTC)', 'Events are kept'],
      [pruned, readable(new Date().toISOString()), `${keptDays} days`],
    ),
    '',
    'Published events that are older are deleted from Postgres. What waits for Kafka, a stream that is blocked, payments, command keys and the audit trail are kept for good.',
  ].join('\n');
