/** What `npm run migration` does, and what it says of it. */
import { randomUUID } from 'node:crypto';
import { refusalInWords } from '../../commands/refusal.ts';
import { newAttemptId } from '../../commands/key.ts';
import { staffKey } from '../../commands/staff-key.ts';
import { decideEventVersion } from '../../event-versions/commands.ts';
import type { TopicVersion } from '../../event-versions/lines.ts';
import { viewOf } from '../../event-versions/view.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import type { Database } from '../../platform/database.ts';
import { versionedTopics } from '../../registry/event-versions.ts';
import type { EventVersionView } from '../../workflows/contract/event-version.ts';
import type { MigrationRequest } from './arguments.ts';

/** What was asked for cannot be; the message is for who asked. */
export class Refused extends Error {}

/** Resolves with what to print. Rejects with Refused. */
export async function carryOut(database: Database, wire: WireSettings, request: MigrationRequest): Promise<string> {
  const versions = versionedTopics(wire.environment);
  if (request.action === 'status') return shown(await Promise.all(versions.map((of) => viewOf(database, of))));
  const of = versions.find(({ topic }) => topic === request.topic);
  if (!of) throw new Refused(`There are no versions of ${request.topic}. There are: ${namesOf(versions)}.`);
  const { action, reason, actor, sunset, force } = request;
  const outcome = await decideEventVersion(
    { database, wire, versions, notify: () => undefined },
    { action, of, reason, sunset, force },
    { key: staffKey(of.topic, randomUUID()), actor, acceptedAt: new Date().toISOString(), attemptId: newAttemptId() },
  );
  if (outcome.kind === 'refused') throw new Refused(refusalInWords(outcome.refusal));
  return shown([await viewOf(database, of)]);
}

const namesOf = (versions: readonly TopicVersion[]): string => versions.map(({ topic }) => topic).join(', ');

const shown = (views: readonly EventVersionView[]): string => views.flatMap(linesOf).join('\n');

function linesOf({ topic, stage, sunset, filledAt, readers, lookedAt, before }: EventVersionView): string[] {
  const filling = stage !== 'open' || before === null ? '' : filledAt ? `, filled ${filledAt}` : ', being filled';
  return [
    `${topic}: ${stage}${sunset === null ? '' : ` through ${sunset}`}${filling}`,
    ...readers.map(
      ({ groupId, state, lag, members, lastSeenAt }) =>
        `  ${groupId}: ${state}, ${lag} records behind, ${members} members, last seen ${lastSeenAt}`,
    ),
    ...(readers.length > 0 ? [] : ['  nobody was seen']),
    `  looked at ${lookedAt ?? 'never'}`,
  ];
}
