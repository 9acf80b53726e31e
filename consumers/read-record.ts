/**
 * Reads a record as it came: a CloudEvent, of a type that is handled, with data as the catalogue says, of one tenant.
 * Whoever hands a record in, the consumer or a replay, reads it here, and once.
 *
 * The topic's write permission is the identity: an event counts on its own topic only, the tenant in the data counts,
 * and the record's key and ce_tenantid must say the same.
 */
import { CloudEvent, Kafka as CloudEventsKafka } from 'cloudevents';
import { type PlacedEvent, catalog } from '../events/catalog.ts';
import { eventType, topicOf } from '../events/cloud-event.ts';
import type { IncomingRecord, Refused } from '../events/event-source.ts';
import { faultsOf } from '../events/faults.ts';
import type { ReceivedEvent } from './handler.ts';

/** What an event is known by, as far as it could be read. */
export interface EventIdentity {
  source: string | null;
  eventId: string | null;
  type: string | null;
}

export type Reading<N extends PlacedEvent> =
  | { kind: 'event'; name: N; event: ReceivedEvent<N>; tenantId: string | null; identity: EventIdentity }
  /** A type for which there is no handler. */
  | { kind: 'unhandled'; type: string }
  | (Refused & { identity: EventIdentity });

const NOBODY: EventIdentity = { source: null, eventId: null, type: null };

/** `environment` is NODE_ENV: it names the topics. */
export function readRecord<N extends PlacedEvent>(
  record: IncomingRecord,
  handled: readonly N[],
  environment: string,
): Reading<N> {
  const event = toEvent(record);
  if (!(event instanceof CloudEvent)) return { ...event, identity: NOBODY };
  const { source, id, type } = event;
  const identity = { source, eventId: id, type };
  const name = handled.find((one) => eventType(one) === type);
  if (!name) return { kind: 'unhandled', type };
  const topic = topicOf(name, environment);
  if (record.topic !== topic) return { ...refused('wrong_topic', `Such an event belongs on ${topic}.`), identity };
  const data = catalog[name].schema.safeParse(
    typeof event.data === 'string' ? parseJson(event.data) : (event.data ?? undefined),
  );
  if (!data.success) return { ...refused('invalid_data', faultsOf(data.error)), identity };
  const tenantId = tenantOf(data.data);
  if (!isTenantOf(record, event, tenantId)) return { ...refused('tenant_mismatch', MISMATCH), identity };
  return { kind: 'event', name, tenantId, identity, event: { source, id, type, data: data.data } as ReceivedEvent<N> };
}

const MISMATCH =
  'data.tenantId, ce_tenantid and the first part of the key must be the same; without data.tenantId both are empty.';

const tenantOf = (data: { tenantId?: string | null | undefined }): string | null => data.tenantId ?? null;

/** UUIDs are the same in any case; the data's is in lower case since it was parsed. */
function isTenantOf({ key }: IncomingRecord, event: CloudEvent<unknown>, tenantId: string | null): boolean {
  const inKey = key?.toString('utf8').split('|')[0] ?? '';
  const inHeader = event['tenantid'] ?? '';
  return [inKey, inHeader].every((text) => typeof text === 'string' && text.toLowerCase() === (tenantId ?? ''));
}

const refused = (reason: string, detail: string): Refused => ({ kind: 'refused', reason, detail });
const noEvent = (detail: string): Refused => refused('not_a_cloud_event', detail);

/** The CloudEvent of a record, binary or structured; or why it is none. */
function toEvent({ key, value, headers }: IncomingRecord): CloudEvent<unknown> | Refused {
  const text = value?.toString('utf8') ?? '';
  const structured = isStructured(headers) ? objectIn(text) : undefined;
  const body = structured ? withTime(structured) : text;
  const message = { key: key?.toString('utf8') ?? '', value: body, body, headers };
  try {
    if (!CloudEventsKafka.isEvent(message)) return noEvent('The record is no CloudEvent.');
    const event = CloudEventsKafka.toEvent(message);
    if (!(event instanceof CloudEvent)) return noEvent('The record is not one CloudEvent.');
    // The library makes an id up where there is none: every delivery would be another event.
    if (event.id !== (structured ?? { id: headers['ce_id'] })['id']) return noEvent('The event has no id.');
    // The library knows the rules of 1.0 only, and passes over what says it is another version.
    if (event.specversion !== '1.0') return noEvent('The event’s specversion is not 1.0.');
    event.validate();
    return event;
  } catch (error) {
    return noEvent(error instanceof Error ? error.message : 'The record cannot be read.');
  }
}

const isStructured = (headers: Record<string, string>): boolean =>
  /^application\/cloudevents\+json/i.test(headers['content-type'] ?? '');

/** An event may leave its time out, but the library does not read a structured one without. */
const withTime = (event: Record<string, unknown>): string =>
  JSON.stringify(event['time'] === undefined ? { ...event, time: new Date().toISOString() } : event);

function objectIn(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
