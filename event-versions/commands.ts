/** A decision about a version as a command: one plain transaction, whoever asks. */
import { z } from 'zod';
import { fingerprintOf } from '../commands/key.ts';
import type { CommandDefinition, Outcome } from '../commands/command.ts';
import type { CommandHead } from '../commands/decision.ts';
import { type TransactionDeps, carryOut } from '../commands/transaction.ts';
import type { TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { NIL } from 'uuid';
import { type VersionDecision, type VersionLookups, decideVersion } from './decide.ts';
import { fillWhole } from './fill.ts';
import type { TopicVersion } from './lines.ts';
import { eventVersionEntity, toEventVersion } from './entity.ts';
import type { EventVersion } from './members.ts';
import { WATCHED_WITHIN } from './readers.ts';
import { UNREAD_DAYS } from './stage.ts';
import { storedVersion } from './view.ts';

/** Within the time of a request. */
const LEVEL_LIMIT_MS = 5_000;

type VersionCommand = VersionDecision & CommandHead;

/** Who decides, and under which key. */
export interface Asking {
  key: string;
  actor: string;
  acceptedAt: string;
  /** A refusal is kept under it: what Temporal applies again after a reset is refused again. */
  attemptId: string;
}

/** Carries a decision out, once. Rejects when the database failed, and then nothing was changed. */
export async function decideEventVersion(
  deps: TransactionDeps & { versions: readonly TopicVersion[] },
  decision: Omit<VersionDecision, 'tenantId' | 'acceptedAt' | 'isLevel'>,
  asking: Asking,
): Promise<Outcome<EventVersion, EventVersion>> {
  const { action, of, reason, sunset, force } = decision;
  const command: VersionCommand = {
    ...decision,
    ...asking,
    isLevel: action === 'close' && (await isLevel(deps, of.after)),
    tenantId: NIL,
    fingerprint: fingerprintOf({
      method: action,
      route: of.topic,
      ifMatch: null,
      body: { reason, sunset, force },
    }),
  };
  const [outcome] = await carryOut(deps, commandOf(action), [command]);
  if (!outcome) throw new TypeError('A decision came back without an outcome.');
  return outcome;
}

/**
 * Whether the version has everything at this moment: a process of the release before may have written the version before
 * alone, since it was filled. One that is not open is left as it is: a refused decision tells nothing.
 */
async function isLevel(
  { database, wire, versions }: TransactionDeps & { versions: readonly TopicVersion[] },
  topic: string | null,
): Promise<boolean> {
  const next = versions.find((one) => one.topic === topic);
  const stored = next && (await storedVersion(database, next.id));
  if (!next || stored?.stage !== 'open' || stored.filledAt === null) return false;
  return fillWhole(database, next, wire, LEVEL_LIMIT_MS);
}

const commandOf = (
  step: VersionDecision['action'],
): CommandDefinition<EventVersion, VersionCommand, VersionLookups, EventVersion> => ({
  entity: eventVersionEntity,
  step,
  entityId: ({ of }) => of.id,
  lookUp,
  decide: decideVersion,
  answer: (version) => version,
  events: [],
});

/** In a refusal. */
const READERS_NAMED = 20;

const readerRow = z.object({ group_id: z.string() });
const watchedRow = z.object({ watched: z.boolean() });
const versionRow = z.looseObject({});

async function lookUp(
  tx: TransactionClient,
  { of: { topic, after }, acceptedAt }: VersionCommand,
): Promise<VersionLookups> {
  const [next] = await queryRows(tx, versionRow)`
    SELECT * FROM event_versions WHERE topic = ${after ?? ''} FOR SHARE`;
  const readers = await queryRows(tx, readerRow)`
    SELECT group_id FROM event_version_readers
    WHERE topic = ${topic} AND last_seen_at > ${acceptedAt}::timestamptz - ${`${UNREAD_DAYS} days`}::interval
    ORDER BY last_seen_at DESC, group_id LIMIT ${READERS_NAMED}`;
  const [look] = await queryRows(tx, watchedRow)`
    SELECT looked_at > ${acceptedAt}::timestamptz - ${WATCHED_WITHIN}::interval
      AND first_looked_at < ${acceptedAt}::timestamptz - ${`${UNREAD_DAYS} days`}::interval AS watched
    FROM event_version_looks WHERE topic = ${topic}`;
  return {
    after: next ? toEventVersion(next) : null,
    readers: readers.map((row) => row.group_id),
    isWatched: look?.watched ?? false,
  };
}
