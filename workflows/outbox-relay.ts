/**
 * Publishes the outbox, one workflow a shard: for ever, or until the number of shards is changed. The activity does the
 * work; its attempts, its last error and the backlog are visible here.
 */
import { PUBLISHING_FAILED, type RelayInput, type RelayReport } from './contract/outbox-relay.ts';
import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { checkOutboxRelayStart } from './inputs.ts';
import { plain, readable, table } from './markdown.ts';
import { publishing } from './profiles.ts';

const { publishBatch } = proxyActivities<Activities>(publishing);

const RUNS_MAX = 500;

export async function outboxRelay(input: RelayInput): Promise<void> {
  checkOutboxRelayStart(input);
  for (let runs = 0; ; runs += 1) {
    const report = await publishBatch(input).catch(reportIn);
    if (report === null) return;
    if (report) setCurrentDetails(details(input, report));
    if (runs >= RUNS_MAX || workflowInfo().continueAsNewSuggested) break;
  }
  if (allHandlersFinished()) await continueAsNew<typeof outboxRelay>(input);
}

/** Of publishing that failed; undefined when the worker is gone, or Postgres away too. Anything else is a bug. */
function reportIn(error: unknown): RelayReport | undefined {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  return cause instanceof ApplicationFailure && cause.type === PUBLISHING_FAILED
    ? (cause.details?.[0] as RelayReport | undefined)
    : undefined;
}

const details = ({ shard, shards }: RelayInput, report: RelayReport): string =>
  [
    `**Relay ${shard + 1} of ${shards}**`,
    '',
    table(
      ['Published in the last minute', 'Waiting, all relays', 'Oldest waits', 'Blocked streams'],
      [report.published, report.events, `${Math.round(report.oldestSeconds)} s`, report.blockedStreams],
    ),
    '',
    ...(report.lastError
      ? [`Last error, at ${readable(report.lastError.at)} UTC: ${plain(report.lastError.message)}`, '']
      : []),
    report.blockedStreams > 0
      ? 'A blocked stream waits for a person: its event is a dead letter, a workflow `dead-letter/...` of its own; or an event is missing in the outbox, which the log says.'
      : 'While the broker is away, the pending activity shows the attempts and the last error; events wait in the outbox.',
  ].join('\n');
