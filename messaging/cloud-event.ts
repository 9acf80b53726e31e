/**
 * How a fact looks on the wire: CloudEvents 1.0 in Kafka's binary mode. The record is made once, when the fact is
 * recorded, and kept as text; whoever sends it later sends exactly these bytes, so a duplicate is byte-identical.
 */
import { kebabCase } from 'change-case';
import { type EventName, type EventRow, type FactIds, type PlacedEvent, catalog, eventNames } from './catalogue.ts';
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
  sequence: bigint;
  /** RFC 3339, the time of the commit. */
  time: string;
  /** The key of the command that caused the fact. */
  causationId: string;
}

export interface WireSettings {
  /** As in NODE_ENV: development, production, test ... */
  environment: string;
  /** Where the JSON Schemas are published, without a slash at the end. */
  publicUrl: string;
}

const rowOf = (name: EventName): EventRow => catalog[name];

/** `billing.invoice.paid.v1`: domain, entity, what happened to it, version. `member` is what the catalogue calls it. */
export function typeOf(
  member: string,
  { name = member, entity, domain = DEFAULT_DOMAIN, version }: Pick<EventRow, 'name' | 'entity' | 'domain' | 'version'>,
): string {
  const happened = name.startsWith(entity) ? name.slice(entity.length) : name;
  return `${domain}.${kebabCase(entity)}.${kebabCase(happened)}.v${version}`;
}

export const eventType = (name: EventName): string => typeOf(name, rowOf(name));

export const schemaUrl = (publicUrl: string, name: EventName): string => `${publicUrl}/schemas/${eventType(name)}.json`;

/** The parts in their declared order, joined by `|`; a missing part is empty, and no key at all means the event's id. */
export const partitionKeyOf = ({ key }: Pick<EventRow, 'key'>, ids: FactIds, eventId: string): string =>
  key ? key.map((part) => ids[part] ?? '').join('|') : eventId;

/** Where an event of ours goes; ours all have a key. */
export function streamPlace(name: PlacedEvent, ids: FactIds, environment: string): StreamPlace {
  const topic = topicOf(name, environment);
  const partitionKey = partitionKeyOf(rowOf(name), ids, '');
  return { topic, partitionKey, stream: `${topic}|${partitionKey}` };
}

export function toRecord(
  name: PlacedEvent,
  ids: FactIds,
  data: unknown,
  context: RecordContext,
  settings: WireSettings,
): EventRecord {
  const place = streamPlace(name, ids, settings.environment);
  const type = eventType(name);
  return {
    ...place,
    id: context.id,
    type,
    headers: {
      ce_specversion: '1.0',
      ce_id: context.id,
      ce_source: `/${rowOf(name).domain ?? DEFAULT_DOMAIN}/${topicSegment(rowOf(name))}`,
      ce_type: type,
      ce_time: context.time,
      ce_subject: ids[rowOf(name).subject] ?? '',
      ce_dataschema: schemaUrl(settings.publicUrl, name),
      ce_sequence: String(context.sequence),
      ce_partitionkey: place.partitionKey,
      ce_tenantid: ids.tenantId ?? '',
      ce_causationid: context.causationId,
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
  { id, time, causationId }: Omit<RecordContext, 'sequence'>,
  { publicUrl }: WireSettings,
): Record<string, string> => ({
  ...withheld,
  ce_id: id,
  ce_type: eventType('EventWithheld'),
  ce_time: time,
  ce_dataschema: schemaUrl(publicUrl, 'EventWithheld'),
  ce_causationid: causationId,
});

/** The topic of an event, as it is named in this environment. */
export const topicOf = (name: PlacedEvent, environment: string): string => topicName(environment, rowOf(name));

/** Every topic of the catalogue, as it is named in this environment. */
export const eventTopics = (environment: string): string[] => topicsOf(eventNames.map(rowOf), environment);

/** Those of our own domain: what we send goes there, and waits for no topic of another system. */
export const ownTopics = (environment: string): string[] =>
  topicsOf(
    eventNames.map(rowOf).filter(({ domain }) => domain === undefined),
    environment,
  );

const topicsOf = (rows: readonly EventRow[], environment: string): string[] => [
  ...new Set(rows.flatMap((row) => (row.inPlaceOfAnother ? [] : [topicName(environment, row)]))),
];
