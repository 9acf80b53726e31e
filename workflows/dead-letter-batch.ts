/**
 * One decision about many dead letters. The activity does the work in bounded pieces, at a bounded pace; Postgres holds
 * how far it is, so a batch that is terminated goes on: it is started again.
 */
import type { DeadLetterBatchInput, DeadLetterBatchProgress } from './contract/dead-letter-batch.ts';
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { checkBatchStart } from './inputs.ts';
import { table } from './markdown.ts';
import { inPieces } from './profiles.ts';

const { decideLetters } = proxyActivities<Activities>(inPieces);

export async function deadLetterBatch(input: DeadLetterBatchInput): Promise<DeadLetterBatchProgress> {
  checkBatchStart(input);
  for (;;) {
    const progress = await decideLetters(input);
    setCurrentDetails(batchDetails(input, progress));
    if (progress.left === 0) return progress;
  }
}

export const batchDetails = (
  { batchId }: DeadLetterBatchInput,
  { total, done, refused, unknown, left }: DeadLetterBatchProgress,
): string =>
  [
    `**Dead letters, many at once${left === 0 ? ': done' : ''}**`,
    '',
    table(['In all', 'Done', 'Refused', 'Without an answer', 'Left'], [total, done, refused, unknown, left]),
    '',
    ...(refused + unknown > 0
      ? [
          `What was refused or has no answer, and why: \`GET /v1/dead-letter-batches/${batchId}\`. Each of those dead letters has a page of its own.`,
        ]
      : []),
    ...(left > 0 ? ['The batch goes on by itself, after a failure and after it was terminated.'] : []),
  ].join('\n');
