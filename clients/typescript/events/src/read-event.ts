/**
 * A record of Kafka as an event: CloudEvents 1.0 in binary mode (`ce_` headers, the value is the data) or structured
 * mode (content type `application/cloudevents+json`, the value is the event).
 */
import { EventError } from './errors.ts';
import type { StreamEvent } from './event.ts';

type Bytes = Uint8Array | string;

/** As kafkajs has it; other clients have the same parts. */
export interface KafkaRecord {
  topic: string;
  key: Bytes | null;
  value: Bytes | null;
  headers?: Record<string, Bytes | Bytes[] | undefined>;
}

const STRUCTURED = 'application/cloudevents+json';
const PREFIX = 'ce_';

/** Throws an EventError `unreadable`. */
export function readEvent(record: KafkaRecord): StreamEvent {
  const { attributes, data } = partsOf(record);
  const text = (name: string): string | null => textOrNull(attributes[name]);
  const required = (name: string): string => text(name) ?? unreadable(record, `it has no ${name}`);
  if (required('specversion') !== '1.0') unreadable(record, 'its specversion is not 1.0');
  const partitionKey = text('partitionkey') ?? textOf(record.key) ?? unreadable(record, 'it has no partition key');
  const id = required('id');
  // A replay brings events on a topic of its own, and says on which one their sequences count.
  const topic = text('replaytopic') ?? record.topic;
  return {
    type: required('type'),
    data,
    id,
    factId: text('factid') ?? id,
    source: required('source'),
    subject: text('subject'),
    time: text('time'),
    tenantId: text('tenantid'),
    causationId: text('causationid'),
    topic,
    partitionKey,
    sequence: sequenceIn(record, required('sequence')),
    stream: `${lineOf(topic)}|${partitionKey}`,
  };
}

/** A topic or a type without its version: `prod.billing.public.invoices` of `prod.billing.public.invoices.v2`. */
export const lineOf = (name: string): string => name.replace(/\.v\d+$/, '');

interface Parts {
  attributes: Record<string, unknown>;
  data: unknown;
}

function partsOf(record: KafkaRecord): Parts {
  const headers = Object.entries(record.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const header = (name: string) => textOf(headers.find(([found]) => found === name)?.[1]);
  const media = (header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (media === STRUCTURED) return structured(record);
  const attributes = headers.flatMap(([name, value]) =>
    name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), textOf(value)] as const] : [],
  );
  if (attributes.length === 0)
    unreadable(record, `it has neither ${PREFIX} headers nor the content type ${STRUCTURED}`);
  return { attributes: Object.fromEntries(attributes), data: json(record, textOf(record.value)) };
}

function structured(record: KafkaRecord): Parts {
  const event = json(record, textOf(record.value));
  if (typeof event !== 'object' || event === null) unreadable(record, 'its value is no JSON object');
  const { data, data_base64: encoded, ...attributes } = event as Record<string, unknown>;
  if (typeof encoded !== 'string') return { attributes, data };
  return { attributes, data: json(record, Buffer.from(encoded, 'base64').toString()) };
}

function json(record: KafkaRecord, text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch (error) {
    return unreadable(record, 'its value is no JSON', error);
  }
}

/** A header that is given several times counts by its first value. */
function textOf(value: Bytes | readonly Bytes[] | null | undefined): string | null {
  const first = Array.isArray(value) ? (value as readonly Bytes[])[0] : (value as Bytes | null | undefined);
  if (first === undefined || first === null) return null;
  return typeof first === 'string' ? first : Buffer.from(first).toString();
}

/** An empty attribute says nothing. Structured events may have their sequence as a number. */
const textOrNull = (value: unknown): string | null =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : null;

function sequenceIn(record: KafkaRecord, text: string): number {
  const sequence = Number(text);
  if (!Number.isSafeInteger(sequence) || sequence < 1) unreadable(record, 'its sequence is no number from 1');
  return sequence;
}

function unreadable({ topic, key }: KafkaRecord, why: string, cause?: unknown): never {
  throw new EventError('unreadable', `The record ${textOf(key)} on ${topic} is no event: ${why}.`, { cause });
}
