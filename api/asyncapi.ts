/** The AsyncAPI 3.1 document of the public events, made of the catalogue: for tools of subscribers. */
import { type WireSettings, eventType, schemaPath, topicOf } from '../messaging/cloud-event.ts';
import type { EventDefinition } from '../messaging/event.ts';
import { DEFAULT_DOMAIN } from '../messaging/topics.ts';
import { type Stages, stageInWords } from './event-stages.ts';
import { type JsonSchema, eventExample, eventSchema } from './published-schema.ts';

/** The headers of a CloudEvent in Kafka's binary mode, as ours have them. */
export const eventHeaders = {
  type: 'object',
  description:
    'What Billing publishes has them all, ce_traceparent where the command was traced. What it receives needs those that are required.',
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: { type: 'string', description: 'A duplicate has the same' },
    ce_source: { type: 'string', description: 'With ce_id it tells this event from all others' },
    ce_type: { type: 'string', description: 'What happened, and in which version it is told' },
    ce_time: { type: 'string', format: 'date-time', description: 'Of the commit' },
    ce_subject: { type: 'string', description: 'The id of what it is about' },
    ce_dataschema: { type: 'string', format: 'uri', description: 'Where its JSON Schema is' },
    ce_sequence: { type: 'string', description: '1, 2, 3 ... of one key on one topic' },
    ce_partitionkey: { type: 'string', description: 'The key of the record' },
    ce_tenantid: { type: 'string', description: 'Whose it is' },
    ce_causationid: { type: 'string', description: 'The key of the command that caused it' },
    ce_actor: { type: 'string', description: 'Who sent that command' },
    ce_factid: { type: 'string', description: 'The same in every version of an event; where it is missing, ce_id' },
    ce_sunset: { type: 'string', format: 'date', description: 'The version may end after this day' },
    ce_traceparent: { type: 'string', description: 'W3C Trace Context, where the command was traced' },
    'content-type': { type: 'string', const: 'application/json' },
  },
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'content-type'],
} satisfies JsonSchema;

/** Where people read the same. */
export const EVENTS_PAGE = '/docs/events';

export const HOW_DELIVERED =
  'CloudEvents 1.0 on Kafka, binary mode. Events are delivered at least once: drop what you have seen of a key by ce_sequence; read in two versions, an event has the same sequence and ce_factid in both. Pass over members that you do not know.';
export const ONE_STREAM = 'One key is one ordered stream.';

/** What the key of its records is made of. */
export const keyOf = ({ key }: EventDefinition): string => key?.join('|') ?? 'the id of the event';

/** `received` are the events that are sent to us. */
export function asyncApiDocument(
  events: readonly EventDefinition[],
  received: readonly EventDefinition[],
  { environment, publicUrl, version, stages = new Map() }: WireSettings & { version: string; stages?: Stages },
) {
  const shown = events.filter(({ scope }) => scope === 'public');
  const topics = new Map<string, EventDefinition[]>();
  for (const event of shown.filter(({ inPlaceOfAnother }) => !inPlaceOfAnother)) {
    const topic = topicOf(event, environment);
    topics.set(topic, [...(topics.get(topic) ?? []), event]);
  }
  const anywhere = shown.filter(({ inPlaceOfAnother }) => inPlaceOfAnother);
  const schemas: Record<string, unknown> = {};
  const messages = Object.fromEntries(shown.map((event) => [messageName(event), messageOf(event, schemas)]));
  const isReceived = (some: readonly EventDefinition[]) => some.some((event) => received.includes(event));
  const channels = Object.fromEntries(
    [...topics].map(([address, own]) => {
      const all = isReceived(own) ? own : [...own, ...anywhere];
      return [
        address,
        {
          address,
          description: [stageInWords(stages, address), own[0] && `Key: ${keyOf(own[0])}.`, ONE_STREAM]
            .filter(Boolean)
            .join(' '),
          messages: Object.fromEntries(
            all.map(messageName).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
          ),
        },
      ];
    }),
  );
  const operations = Object.fromEntries(
    [...topics].map(([address, own]) => {
      const action = isReceived(own) ? 'receive' : 'send';
      const summary = action === 'send' ? 'What the service tells' : 'What the service is told';
      return [`${action}-${address}`, { action, summary, channel: { $ref: `#/channels/${address}` } }];
    }),
  );
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Billing',
      version,
      description: HOW_DELIVERED,
      tags: [{ name: DEFAULT_DOMAIN }],
      externalDocs: { description: 'The events, for people', url: `${publicUrl}${EVENTS_PAGE}` },
    },
    defaultContentType: 'application/json',
    channels,
    operations,
    components: { messages, schemas },
  };
}

const messageName = ({ name, version }: EventDefinition): string => (version === 1 ? name : `${name}V${version}`);

/** Definitions stand once for all messages. */
function messageOf(event: EventDefinition, schemas: Record<string, unknown>) {
  const schema = eventSchema(event);
  const { $schema: _, $defs = {}, ...payload } = relocated(schema) as JsonSchema & { $defs?: Record<string, unknown> };
  Object.assign(schemas, $defs);
  return {
    name: eventType(event),
    title: `${event.name} v${event.version}`,
    summary: event.description,
    description: `Its JSON Schema is at ${schemaPath(event)}.`,
    contentType: 'application/json',
    headers: eventHeaders,
    payload,
    examples: [{ name: 'example', payload: eventExample(event) }],
  };
}

const relocated = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
