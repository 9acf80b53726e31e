/** The AsyncAPI 3.1 document of the public events, made of the catalogue: for tools of subscribers. */
import type { z } from 'zod';
import { type WireSettings, eventType, schemaPath, topicOf } from '../messaging/cloud-event.ts';
import type { EventDefinition } from '../messaging/event.ts';
import { DEFAULT_DOMAIN } from '../messaging/topics.ts';
import { eventSchema, exampleOf } from './published-schema.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The headers of a CloudEvent in Kafka's binary mode, as ours have them. */
const headers = {
  type: 'object',
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: { type: 'string', description: 'A duplicate has the same' },
    ce_source: { type: 'string' },
    ce_type: { type: 'string' },
    ce_time: { type: 'string', format: 'date-time', description: 'Of the commit' },
    ce_subject: { type: 'string' },
    ce_dataschema: { type: 'string', format: 'uri' },
    ce_sequence: { type: 'string', description: '1, 2, 3 ... of one key on one topic' },
    ce_partitionkey: { type: 'string' },
    ce_tenantid: { type: 'string' },
    ce_causationid: { type: 'string', description: 'The key of the command that caused it' },
    ce_actor: { type: 'string', description: 'Who sent that command' },
    ce_factid: { type: 'string', description: 'The same in every version of an event; where it is missing, ce_id' },
    ce_sunset: { type: 'string', format: 'date', description: 'The version may end after this day' },
    ce_traceparent: { type: 'string', description: 'W3C Trace Context, where the command was traced' },
    'content-type': { type: 'string', const: 'application/json' },
  },
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'content-type'],
} as const;

/** `received` are the events that are sent to us. */
export function asyncApiDocument(
  events: readonly EventDefinition[],
  received: readonly EventDefinition[],
  { environment, version }: Pick<WireSettings, 'environment'> & { version: string },
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
          description: `Key: ${own[0]?.key?.join('|') ?? 'the id of the event'}. One key is one ordered stream.`,
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
      description:
        'CloudEvents 1.0 on Kafka, binary mode. Events are delivered at least once: drop what you have seen by ce_id. Pass over members that you do not know.',
      tags: [{ name: DEFAULT_DOMAIN }],
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
    headers,
    payload,
    examples: [{ name: 'example', payload: exampleOf(schema) }],
  };
}

const relocated = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
