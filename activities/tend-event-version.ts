import type { EventVersionView, FillProgress, TendInput } from '../workflows/contract/event-version.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { type Load, givingWay } from '../commands/load.ts';
import { newAttemptId } from '../commands/key.ts';
import { decideEventVersion } from '../event-versions/commands.ts';
import { FROM_THE_FIRST, fillStreams, nextTransaction } from '../event-versions/fill.ts';
import type { TopicVersion } from '../event-versions/lines.ts';
import { recordLook } from '../event-versions/readers.ts';
import { storedVersion, viewOf } from '../event-versions/view.ts';
import type { WireSettings } from '../messaging/cloud-event.ts';
import { isOverBefore } from '../messaging/event-feed.ts';
import type { Database } from '../platform/database.ts';
import type { ReadingGroups } from '../platform/kafka-groups.ts';
import type { Logger } from '../platform/logger.ts';

/** Long enough that an idle one writes hardly any history. */
const RUN_MS = 60_000;
/** While it fills, the page is renewed so often. */
const FILL_MS = 10_000;
/** When it has everything. */
const KEEP_MS = 1_000;
const DECISION_WAIT_MS = 5_000;
const LOOK_EVERY_MS = 60_000;
const POLL_EVERY_MS = 2_000;
const SETTLE_POLL_MS = 200;
const HEARTBEAT_EVERY_MS = 1_000;
const ERROR_LENGTH_MAX = 200;
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
  async ({ topic, seen, progress: before }: TendInput): Promise<EventVersionView> => {
    const { database, versions, stopping } = deps;
    const of = versionNamed(versions, topic);
    const context = Context.current();
    const stopped = AbortSignal.any([context.cancellationSignal, stopping]);
    const until = performance.now() + RUN_MS;
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
    try {
      const lookError = await lookWhenDue(deps, topic);
      const { progress, isFilling } = await fill(deps, of, before, stopped);
      const isNews = async () =>
        (await versionOf(database, of)) !== seen || (lookError === null && (await isLookDue(database, topic)));
      if (!isFilling && seen !== null) await untilSo(isNews, { until, stopped });
      return { ...(await viewOf(database, of)), lookError, progress };
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
 * Looks for streams that lack something and fills them: of a version that is being filled for a while, later a little a
 * minute, since a process of the release before may have written the version before alone. It has everything when a
 * look through all streams that began after the last command that did not know of it had ended finds none to fill.
 */
async function fill(
  deps: TendDeps,
  of: TopicVersion,
  progress: FillProgress | null,
  stopped: AbortSignal,
): Promise<{ progress: FillProgress | null; isFilling: boolean }> {
  const { database, wire, load, logger, notify } = deps;
  const stored = await storedVersion(database, of.id);
  if (of.before === null || stored?.stage !== 'open') return { progress: null, isFilling: false };
  const isFilled = stored.filledAt !== null;
  const until = performance.now() + (isFilled ? KEEP_MS : FILL_MS);
  const { version } = stored;
  const isOfNow = progress?.version === version;
  let now = isOfNow ? progress : await beginLook(database, version, null);
  let hasEverything = false;
  await givingWay(load, async () => {
    const page = await fillStreams(database, of, wire, now.after);
    if (page.events > 0) notify();
    for (const stream of page.lost) logger.error({ stream }, 'a stream lacks events that were deleted');
    now = { ...now, after: page.after ?? FROM_THE_FIRST, found: now.found + page.streams };
    if (page.after === null) {
      hasEverything = !isFilled && now.isSettled && now.found === 0;
      if (!hasEverything && !isFilled && now.found === 0) await pause(SETTLE_POLL_MS);
      now = await beginLook(database, version, now);
      if (hasEverything || isFilled) return true;
    }
    return performance.now() >= until || stopped.aborted;
  });
  if (!hasEverything) return { progress: now, isFilling: !isFilled };
  await decideEventVersion(
    { ...deps, waitMs: DECISION_WAIT_MS },
    { action: 'fill', of, reason: 'It has everything.', sunset: null, force: false },
    {
      key: `fill:${of.topic}:${version}`,
      actor: SERVICE,
      acceptedAt: new Date().toISOString(),
      attemptId: newAttemptId(),
    },
  );
  return { progress: now, isFilling: false };
}

/** The fence is the first transaction that knows that the version is open. */
async function beginLook(database: Database, version: number, before: FillProgress | null): Promise<FillProgress> {
  const fence = before?.fence ?? String(await nextTransaction(database));
  const isSettled = await isOverBefore(database, BigInt(fence));
  return { version, after: FROM_THE_FIRST, fence, isSettled, found: 0 };
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
