/** Histories of workflows that are kept in the repository, and which of those that tests have left are worth it. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';

type History = temporal.api.history.v1.IHistory;

const folder = fileURLToPath(new URL('../data/histories', import.meta.url));
const PER_TYPE_MAX = 4;
/** Long ones show nothing that short ones do not. */
const EVENTS_MAX = 120;

/** Histories as Temporal writes them, by the name of their file: `<workflow type>-<n>.json`. */
export function recordedHistories(): { name: string; type: string; history: unknown }[] {
  return readdirSync(folder).map((name) => ({
    name,
    type: name.replace(/-\d+\.json$/, ''),
    history: JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as unknown,
  }));
}

/**
 * Replaces what is kept: of each workflow type those with the most kinds of events and activities, none like another.
 */
export function recordHistories(found: readonly History[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const type of new Set(found.map(typeOf))) {
    const histories = found.filter((history) => typeOf(history) === type);
    const distinct = new Map(
      histories
        .filter(({ events }) => (events?.length ?? 0) <= EVENTS_MAX)
        .map((history) => [kindsIn(history), history]),
    );
    const richest = [...distinct].toSorted(([a], [b]) => b.length - a.length).slice(0, PER_TYPE_MAX);
    for (const [n, [, history]] of richest.entries())
      writeFileSync(path.join(folder, `${type}-${n + 1}.json`), `${impersonal(historyToJSON(history))}\n`);
  }
}

const typeOf = ({ events }: History): string =>
  events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? '';

function kindsIn({ events }: History): string {
  const kinds = (events ?? []).map((event) => {
    const detail =
      event.activityTaskScheduledEventAttributes?.activityType?.name ??
      event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name ??
      event.markerRecordedEventAttributes?.failure?.applicationFailureInfo?.type;
    return `${event.eventType} ${detail ?? ''}`;
  });
  return [...new Set(kinds)].toSorted().join('\n');
}

/** Without the machine that it was recorded on. */
const impersonal = (json: string): string =>
  JSON.stringify(
    JSON.parse(json),
    (name, value: unknown) => (name === 'stackTrace' || name === 'identity' ? undefined : value),
    1,
  );
