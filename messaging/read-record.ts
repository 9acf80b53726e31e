/**
 * Reads a record as it came: a CloudEvent, of a type that is handled, with data as its schema says, of one tenant.
 * Whoever hands a record in, the consumer or a replay, reads it here, and once.
 *
 * The topic's write permission is the identity: an event counts on its own topic only, the tenant in the data counts,
 * and the record's key and ce_tenantid must say the same.
 */
import { schemaOf } from '../values/schema.ts';
import { uuidIn } from '../values/text.ts';
import { eventType, topicOf } from './cloud-event.ts';
import { type EventDefinition } from './event.ts';
import type { IncomingRecord, Refused } from './event-source.ts';
import { faultsOf } from './faults.ts';
import { type ReceivedEvent, refused } from './handler.ts';
import { type RecordEvent, isObject, readCloudEvent } from './read-cloud-event.ts';

/** What an event is known by, as far as it could be read. */
export interface EventIdentity {
  source: string | null;
  eventId: string | null;
  type: string | null;
}

/** `tenantId` of what is refused: who may see it; null: nobody. */
export type Reading<By> =
  | { kind: 'event'; by: By; event: ReceivedEvent; tenantId: string | null; identity: EventIdentity }
  /** A type for which there is no handler. */
  | { kind: 'unhandled'; type: string }
  | (Refused & { identity: EventIdentity; tenantId: string | null });

const NOBODY: EventIdentity = { source: null, eventId: null, type: null };

/**
 * `handled` are what handles events, each by its event's definition. `environment` is NODE_ENV: it names the topics.
 */
export function readRecord<By extends { event: EventDefinition }>(
  record: IncomingRecord,
  handled: readonly By[],
  environment: string,
): Reading<By> {
  const event = readCloudEvent(record);
  if (event.kind === 'refused') return { ...event, identity: NOBODY, tenantId: null };
  const { source, id, type } = event;
  const identity = { source, eventId: id, type };
  const by = handled.find((one) => eventType(one.event) === type);
  if (!by) return { kind: 'unhandled', type };
  const topic = topicOf(by.event, environment);
  const nobodys = { identity, tenantId: null };
  if (record.topic !== topic) return { ...refused('wrong_topic', `Such an event belongs on ${topic}.`), ...nobodys };
  const data = readData(by.event, event);
  if (data.kind === 'refused') return { ...data, identity, tenantId: tenantOfInvalid(record, event) };
  const tenantId = data.value.tenantId ?? null;
  if (!isTenantOf(record, event, tenantId)) return { ...refused('tenant_mismatch', MISMATCH), ...nobodys };
  return { kind: 'event', by, tenantId, identity, event: { source, id, type, data: data.value } as ReceivedEvent };
}

const MISMATCH =
  'data.tenantId, ce_tenantid and the first part of the key must be the same; without data.tenantId both are empty.';

type EventWithTenant = { tenantId?: string | null | undefined };

function readData(
  { schema }: EventDefinition,
  { data }: RecordEvent,
): { kind: 'data'; value: EventWithTenant } | Refused {
  if (data.kind === 'unreadable') return refused('invalid_data', data.why);
  if (!schema) throw new TypeError('An event that is handled has no schema.');
  const parsed = schemaOf(schema).safeParse(data.value);
  return parsed.success
    ? { kind: 'data', value: parsed.data as EventWithTenant }
    : refused('invalid_data', faultsOf(parsed.error));
}

const tenantInKey = ({ key }: IncomingRecord): string => key?.toString('utf8').split('|')[0] ?? '';

/** UUIDs are the same in any case; the data's is in lower case since it was parsed. */
const isTenantOf = (record: IncomingRecord, { tenantId: inHeader }: RecordEvent, tenantId: string | null): boolean =>
  [tenantInKey(record), inHeader ?? ''].every(
    (text) => typeof text === 'string' && text.toLowerCase() === (tenantId ?? ''),
  );

/**
 * The tenant that sees a message whose data is not valid: the one that header, key and data name. Data that is no
 * object names nobody, and so contradicts nobody.
 */
function tenantOfInvalid(record: IncomingRecord, { tenantId: inHeader, data }: RecordEvent): string | null {
  const inData = data.kind === 'json' && isObject(data.value) ? [data.value['tenantId']] : [];
  const tenants = [inHeader, tenantInKey(record), ...inData].map((text) => uuidIn(text));
  const [first = null] = tenants;
  return tenants.every((tenant) => tenant === first) ? first : null;
}
