/** Topic names: `{environment}.{domain}.{scope}.{topic}.{version}`, lower case. */
import { kebabCase } from 'change-case';
import pluralize from 'pluralize';
import { remembering } from '../values/remembering.ts';

export const DEFAULT_DOMAIN = 'billing';
const environmentNames = new Map([
  ['development', 'dev'],
  ['production', 'prod'],
  ['test', 'test'],
]);

export interface TopicParts {
  /** Another domain than ours, for events of other systems. */
  domain?: string;
  /** `internal` is for events of this domain only. */
  scope: 'public' | 'internal';
  /** All events of an entity share one topic, so that order per entity holds: LedgerEntry -> ledger-entries. */
  entity: string;
  /** Given as it is, instead of derived from the entity. */
  topic?: string;
  /** `v1` when absent; null for a topic without version. */
  topicVersion?: string | null;
}

/** The short name of an environment as it stands first in every topic: development -> dev. */
export const environmentName = (environment: string): string =>
  environmentNames.get(environment.toLowerCase()) ?? environment.toLowerCase();

/** The segment that names what the topic is about: given, or derived from the entity. */
export const topicSegment = remembering(
  ({ topic, entity }: TopicParts): string => topic ?? pluralOf(kebabCase(entity)),
);

/** The last word has the plural: pluralize does not know irregular words and words without plural behind a hyphen. */
const pluralOf = (name: string): string => name.replace(/[^-]+$/, (word) => pluralize(word));

export function topicName(environment: string, parts: TopicParts): string {
  const version = parts.topicVersion === undefined ? 'v1' : parts.topicVersion;
  return [environmentName(environment), parts.domain ?? DEFAULT_DOMAIN, parts.scope, topicSegment(parts), version]
    .filter((segment) => segment !== null)
    .join('.')
    .toLowerCase();
}

/** A subscriber's own, for events that are sent once more. Nobody else reads it, and nothing else is sent there. */
export const replayTopic = (environment: string, subscriber: string): string =>
  `${environmentName(environment)}.${DEFAULT_DOMAIN}.replay.${subscriber}.v1`;
