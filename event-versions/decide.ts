/**
 * What a decision about a version means: pure.
 *
 * Always true:
 * 1. Of a topic one version is open at least: one is deprecated, and closed, only when the version after it has
 *    everything.
 * 2. A version that was seen to be read, or that nobody has watched for long enough, is closed only when a person says
 *    so beside the reason.
 */
import { type Accepted, type Decision, accepted, refused } from '../commands/decision.ts';
import { initialOf } from '../commands/members.ts';
import { dateOf } from '../values/dates.ts';
import type { TopicVersion } from './lines.ts';
import { type EventVersion, eventVersionMembers } from './members.ts';
import { refusal } from './refusals.ts';
import { type DecisionName, type Stage, UNREAD_DAYS } from './stage.ts';

/** A decision as the rules see it; `fill` is the service's own: the version has everything. */
export interface VersionDecision {
  action: DecisionName | 'fill';
  of: Pick<TopicVersion, 'topic' | 'id' | 'before' | 'after'>;
  tenantId: string;
  acceptedAt: string;
  reason: string | null;
  /** YYYY-MM-DD, for `deprecate`: it may be closed after this day. */
  sunset: string | null;
  /** Close it although it may be read. */
  force: boolean;
  /** For `close`: the version after it has everything at this moment. */
  isLevel: boolean;
}

/** What the decision needs beside the version itself. */
export interface VersionLookups {
  /** The version after it; null when it has no row, or when there is none. */
  after: Pick<EventVersion, 'stage' | 'filledAt'> | null;
  /** Groups that were seen to read it within UNREAD_DAYS. */
  readers: readonly string[];
  /** It has been watched for as long. */
  isWatched: boolean;
}

export function decideVersion(
  state: EventVersion | null,
  decision: VersionDecision,
  lookups: VersionLookups,
): Decision<EventVersion> {
  const now = state ?? unwritten(decision);
  const next = { ...now, version: now.version + 1, updatedAt: decision.acceptedAt };
  const { action, of, reason } = decision;
  const after = (change: Partial<EventVersion>): Accepted<EventVersion> => accepted({ ...next, ...change }, { reason });
  const atAnother = (may: readonly Stage[]) =>
    refused(
      refusal('event_version_stage', `${of.topic} is ${now.stage}; ${action} is for what is ${may.join(' or ')}.`, {
        stage: now.stage,
      }),
    );
  switch (action) {
    case 'open':
      // Of a version that is open already: what it lacks is filled in again.
      if (now.stage === 'closed' || of.before === null) {
        if (now.stage !== 'deprecated')
          return atAnother(of.before === null ? ['deprecated'] : ['planned', 'deprecated']);
        return after({ stage: 'open', sunset: null });
      }
      return after({ stage: 'open', sunset: null, filledAt: now.stage === 'deprecated' ? now.filledAt : null });
    case 'fill':
      return now.stage !== 'open' || now.filledAt !== null
        ? { kind: 'replayed', state: now }
        : after({ filledAt: decision.acceptedAt });
    case 'deprecate':
      if (now.stage !== 'open' && now.stage !== 'deprecated') return atAnother(['open', 'deprecated']);
      return isReplaced(lookups) ? after({ stage: 'deprecated', sunset: decision.sunset }) : notReplaced(of);
    case 'close': {
      if (now.stage !== 'deprecated') return atAnother(['deprecated']);
      if (!isReplaced(lookups) || !decision.isLevel) return notReplaced(of);
      const inUse = decision.force ? undefined : whyInUse(now, decision, lookups);
      if (inUse !== undefined)
        return refused(refusal('event_version_in_use', inUse, { readers: [...lookups.readers] }));
      return after({ stage: 'closed' });
    }
  }
}

/** What a version is of which nobody has decided anything. */
const unwritten = ({ of: { topic, id, before }, tenantId, acceptedAt }: VersionDecision): EventVersion => ({
  ...initialOf(eventVersionMembers),
  tenantId,
  id,
  topic,
  stage: initialStage(before),
  createdAt: acceptedAt,
  updatedAt: acceptedAt,
});

/** `before` is the topic of the version before it. */
export const initialStage = (before: string | null): Stage => (before === null ? 'open' : 'planned');

const isReplaced = ({ after }: VersionLookups): boolean => after?.stage === 'open' && after.filledAt !== null;

const notReplaced = ({ topic, after }: VersionDecision['of']) =>
  refused(
    refusal(
      'event_version_not_replaced',
      after === null
        ? `There is no version after ${topic}.`
        : `${after} must be open and have everything that ${topic} has.`,
      { replacement: after },
    ),
  );

function whyInUse(
  { topic, sunset }: EventVersion,
  { acceptedAt }: VersionDecision,
  { readers, isWatched }: VersionLookups,
): string | undefined {
  const unless = 'It can be closed all the same, by force.';
  if (readers.length > 0) return `${topic} was read within ${UNREAD_DAYS} days, by ${readers.join(', ')}. ${unless}`;
  if (!isWatched) return `${topic} has not been watched for ${UNREAD_DAYS} days: who reads it is not known. ${unless}`;
  if (sunset !== null && dateOf(acceptedAt) <= sunset)
    return `Its events say that ${topic} goes on through ${sunset}. ${unless}`;
  return undefined;
}
