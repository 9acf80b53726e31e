/**
 * How a fact looks on the wire: CloudEvents 1.0 in Kafka's binary mode. The record is made once, when the fact is
 * recorded, and kept as text; whoever sends it later sends exactly these bytes, so a duplicate is byte-identical.
 */
import { kebabCase } from 'change-case';
import type { EventDefinition, EventIds } from './event.ts';
import { eventWithheld } from './event-withheld.ts';
import { remembering } from '../values/remembering.ts';
import { DEFAULT_DOMAIN, topicName, topicSegment } from './topics.ts';

/** Where the facts of one name about one entity go. */
export interface StreamPlace {
  topic: string;
  partitionKey: string;
  /** One partition key on one topic: the unit of order. */
  stream: string;
}

/** A record as Kafka carries it. */
export interface EventRecord extends StreamPlace {
  id: string;
  type: string;
  headers: Record<string, string>;
  value: string;
}

export interface RecordContext {
  /** UUIDv7; the CloudEvent's id, by which subscribers recognise a duplicate. */
  id: string;
  /** What all versions of the event have in common: the id of the first one. */
  factId: string;
  /** null: it is not known yet, and comes to stand in the empty header. */
  sequence: bigint | null;
  /** RFC 3339, the time of the commit. */
  time: string;
  /** The key of the command that caused the fact. */
  causationId: string;
  /** Who sent that command, as the audit trail has it. */
  actor: string;
  /** Of the span that recorded the fact; absent when nothing is traced. */
  traceparent?: string;
}

export interface WireSettings {
  /** As in NODE_ENV: development, production, test ... */
  environment: string;
  /** Where the JSON Schemas are published, without a slash at the end. */
  publicUrl: string;
}

/** `billing.invoice.paid.v1`: domain, entity, what happened to it, version. */
export const eventType = remembering(({ name, entity, domain = DEFAULT_DOMAIN, version }: EventDefinition): string => {
  const happened = name.startsWith(entity) ? name.slice(entity.length) : name;
  return `${domain}.${kebabCase(entity)}.${kebabCase(happened)}.v${version}`;
});

const schemaUrl = (publicUrl: string, event: EventDefinition): string => `${publicUrl}${schemaPath(event)}`;

/** Where the JSON Schema of an event is published, from the service's URL. */
export const schemaPath = (event: EventDefinition): string => `/schemas/${eventType(event)}.json`;

/**
 * The parts in their declared order, joined by `|`; a missing part is empty, and no key at all means the event's id.
 */
export const partitionKeyOf = ({ key }: EventDefinition, ids: EventIds, eventId: string): string =>
  key ? key.map((part) => ids[part] ?? '').join('|') : eventId;

/** Where an event of ours goes; ours all have a key. */
export function streamPlace(event: EventDefinition, ids: EventIds, environment: string): StreamPlace {
  const topic = topicOf(event, environment);
  const partitionKey = partitionKeyOf(event, ids, '');
  return { topic, partitionKey, stream: `${topic}|${partitionKey}` };
}

/** Those of one subject on these topics: the keys of our own events are tenant and subject. */
export const streamsOfSubject = (topics: readonly string[], tenantId: string, subject: string): string[] =>
  topics.map((topic) => `${topic}|${tenantId}|${subject}`);

export function toRecord(
  event: EventDefinition,
  ids: EventIds,
  data: unknown,
  context: RecordContext,
  settings: WireSettings,
): EventRecord {
  const place = streamPlace(event, ids, settings.environment);
  const type = eventType(event);
  return {
    ...place,
    id: context.id,
    type,
    headers: {
      ce_specversion: '1.0',
      ce_id: context.id,
      ce_source: `/${event.domain ?? DEFAULT_DOMAIN}/${topicSegment(event)}`,
      ce_type: type,
      ce_time: context.time,
      ce_subject: ids[event.subject] ?? '',
      ce_dataschema: schemaUrl(settings.publicUrl, event),
      ce_sequence: String(context.sequence ?? ''),
      ce_partitionkey: place.partitionKey,
      ce_tenantid: ids['tenantId'] ?? '',
      ce_causationid: context.causationId,
      ce_actor: context.actor,
      ce_factid: context.factId,
      ...(context.traceparent === undefined ? {} : { ce_traceparent: context.traceparent }),
      'content-type': 'application/json',
    },
    value: JSON.stringify(data),
  };
}

/**
 * The headers of an EventWithheld, made of those of the event in whose place it is sent: subject, key, tenant and
 * sequence are that one's, so that a subscriber who counts finds no gap.
 */
export const withheldHeaders = (
  withheld: Record<string, string>,
  { id, time, causationId, actor, traceparent }: Omit<RecordContext, 'sequence' | 'factId'>,
  { publicUrl }: WireSettings,
): Record<string, string> => ({
  ...withheld,
  ce_id: id,
  ce_factid: withheld['ce_factid'] ?? withheld['ce_id'] ?? '',
  ce_type: eventType(eventWithheld),
  ce_time: time,
  ce_dataschema: schemaUrl(publicUrl, eventWithheld),
  ce_causationid: causationId,
  ce_actor: actor,
  ...(traceparent === undefined ? {} : { ce_traceparent: traceparent }),
});

/**
 * The headers of an event in its next version, made of those of the version before. `definition` is absent for what
 * stands in an event's place: that is the same in all versions.
 */
export function laterHeaders(
  headers: Record<string, string>,
  definition: EventDefinition | undefined,
  id: string,
  { publicUrl }: WireSettings,
): Record<string, string> {
  const { ce_sunset: _sunset, ...before } = headers;
  return {
    ...before,
    ce_id: id,
    ce_factid: before['ce_factid'] ?? before['ce_id'] ?? '',
    ...(definition ? { ce_type: eventType(definition), ce_dataschema: schemaUrl(publicUrl, definition) } : {}),
  };
}

/** The topic of an event, as it is named in this environment. */
export const topicOf = (event: EventDefinition, environment: string): string => topicName(environment, event);

/** Every topic of these events, as it is named in this environment. */
export const topicsOf = (events: readonly EventDefinition[], environment: string): string[] => [
  ...new Set(events.flatMap((event) => (event.inPlaceOfAnother ? [] : [topicName(environment, event)]))),
];

/** Those of our own domain: what we send goes there, and waits for no topic of another system. */
export const ownTopics = (events: readonly EventDefinition[], environment: string): string[] =>
  topicsOf(
    events.filter(({ domain }) => domain === undefined),
    environment,
  );
