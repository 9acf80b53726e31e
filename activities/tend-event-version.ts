import type { EventVersionView, TendInput } from '../workflows/contract/event-version.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { type Load, givingWay } from '../commands/load.ts';
import { STAFF } from '../commands/staff-key.ts';
import { decideEventVersion } from '../event-versions/commands.ts';
import { fillStreams, runningTransactions } from '../event-versions/fill.ts';
import type { TopicVersion } from '../event-versions/lines.ts';
import { recordLook } from '../event-versions/readers.ts';
import { storedVersion, viewOf } from '../event-versions/view.ts';
import type { WireSettings } from '../messaging/cloud-event.ts';
import type { Database } from '../platform/database.ts';
import type { ReadingGroups } from '../platform/kafka-groups.ts';
import type { Logger } from '../platform/logger.ts';

/** Long enough that an idle one writes hardly any history. */
const RUN_MS = 60_000;
/** While it fills, the page is renewed so often. */
const FILL_MS = 10_000;
const LOOK_EVERY_MS = 60_000;
const POLL_EVERY_MS = 2_000;
const SETTLE_POLL_MS = 200;
const HEARTBEAT_EVERY_MS = 1_000;
const ERROR_LENGTH_MAX = 200;
const FROM_THE_FIRST = '';
const SERVICE = 'billing';

export interface TendDeps {
  database: Database;
  wire: WireSettings;
  logger: Logger;
  load: Load;
  readingGroups: ReadingGroups;
  versions: readonly TopicVersion[];
  /** Told of each look. */
  notify: () => void;
  /** Aborted when the worker is told to stop. */
  stopping: AbortSignal;
}

/**
 * Fills a version that was opened, looks once a minute who reads it, and tells what it is: as soon as that has changed,
 * or after a minute. A Kafka that is away is told as such; Postgres that is away makes it fail.
 */
export const createTendEventVersion =
  (deps: TendDeps) =>
  async ({ topic, seen }: TendInput): Promise<EventVersionView> => {
    const { database, versions, stopping } = deps;
    const of = versionNamed(versions, topic);
    const context = Context.current();
    const stopped = AbortSignal.any([context.cancellationSignal, stopping]);
    const until = performance.now() + RUN_MS;
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
    try {
      const isFilling = await fill(deps, of, stopped);
      const lookError = await lookWhenDue(deps, topic);
      const isNews = async () =>
        (await versionOf(database, of)) !== seen || (lookError === null && (await isLookDue(database, topic)));
      if (!isFilling && seen !== null) await untilSo(isNews, { until, stopped });
      return { ...(await viewOf(database, of)), lookError };
    } finally {
      clearInterval(beat);
    }
  };

/** Throws a failure that is not tried again when the catalogue has no versions of the topic. */
export function versionNamed(versions: readonly TopicVersion[], topic: string): TopicVersion {
  const found = versions.find((one) => one.topic === topic);
  if (!found) throw ApplicationFailure.nonRetryable(`There are no versions of ${topic}.`, 'event_version_not_found');
  return found;
}

async function untilSo(
  isSo: () => Promise<boolean>,
  { until, stopped }: { until: number; stopped: AbortSignal },
): Promise<void> {
  while (performance.now() < until && !stopped.aborted && !(await isSo()))
    await pause(POLL_EVERY_MS, undefined, { signal: stopped }).catch(() => undefined);
}

const versionOf = async (database: Database, { id }: TopicVersion): Promise<number> =>
  (await storedVersion(database, id))?.version ?? 0;

/**
 * Fills for a while; whether there may be more. It has everything when a look through all streams that began after the
 * last command that did not know of it had ended finds none to fill.
 */
async function fill(deps: TendDeps, of: TopicVersion, stopped: AbortSignal): Promise<boolean> {
  const { database, wire, load, notify } = deps;
  const stored = await storedVersion(database, of.id);
  if (of.before === null || stored?.stage !== 'open' || stored.filledAt !== null) return false;
  const until = performance.now() + FILL_MS;
  const { next: fence } = await runningTransactions(database);
  let after: string | null = FROM_THE_FIRST;
  let [isSettled, found] = [false, 0];
  await givingWay(load, async () => {
    if (after === FROM_THE_FIRST) [isSettled, found] = [(await runningTransactions(database)).oldest >= fence, 0];
    const page = await fillStreams(database, of, wire, after ?? FROM_THE_FIRST);
    if (page.events > 0) notify();
    found += page.streams;
    after = page.after;
    if (after === null && isSettled && found === 0) return true;
    if (after === null && found === 0) await pause(SETTLE_POLL_MS);
    after ??= FROM_THE_FIRST;
    return performance.now() >= until || stopped.aborted;
  });
  if (after !== null) return true;
  const at = new Date().toISOString();
  await decideEventVersion(
    { database, wire, notify },
    { action: 'fill', of, reason: 'It has everything.', sunset: null, force: false },
    { key: `${STAFF}fill:${of.topic}:${stored.version}`, actor: SERVICE, acceptedAt: at },
  );
  return false;
}

/** Why it failed; null when it did not. */
async function lookWhenDue({ database, readingGroups, logger }: TendDeps, topic: string): Promise<string | null> {
  if (!(await isLookDue(database, topic))) return null;
  try {
    const groups = await readingGroups(topic);
    await recordLook(database, topic, groups, new Date().toISOString());
    return null;
  } catch (error) {
    logger.warn({ err: error, topic }, 'the readers of a topic could not be looked at');
    return (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LENGTH_MAX);
  }
}

async function isLookDue(database: Database, topic: string): Promise<boolean> {
  const last = await database.eventVersionLook.findUnique({ where: { topic } });
  return !last || Date.now() - last.lookedAt.getTime() >= LOOK_EVERY_MS;
}
