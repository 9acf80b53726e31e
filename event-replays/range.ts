/** Which events of the outbox belong to a replay. */
import { ownTopics, streamsOfSubject } from '../messaging/cloud-event.ts';
import type { EventDefinition } from '../messaging/event.ts';
import type { FeedFilter } from '../messaging/event-feed.ts';
import type { ReplayRequest } from './request.ts';

export interface TopicDeps {
  catalogue: readonly EventDefinition[];
  environment: string;
}

/** What is asked for, of whose events, and recorded when. */
export interface Range extends Pick<ReplayRequest, 'types' | 'topic' | 'subject'> {
  /** null: of all tenants. */
  tenantId: string | null;
  recordedFrom: Date | null;
  recordedBefore: Date;
}

/** Without a topic a subject is looked for on every topic of ours. */
export function filterOf(
  { catalogue, environment }: TopicDeps,
  { tenantId, types, topic, subject, recordedFrom, recordedBefore }: Range,
): FeedFilter {
  const topics = topic === undefined ? ownTopics(catalogue, environment) : [topic];
  return {
    tenantId,
    topic,
    types,
    from: recordedFrom?.toISOString(),
    before: recordedBefore.toISOString(),
    streams: subject === undefined || tenantId === null ? undefined : streamsOfSubject(topics, tenantId, subject),
  };
}
