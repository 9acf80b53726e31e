/**
 * The CloudEvent of a record, in binary or structured mode, or why there is none.
 *
 * The library knows how attributes must be. Records it reads too loosely: it tells media types by their case, and
 * makes up a version, an id and a time where there is none.
 */
import { textOf } from './utf8.ts';
import { CloudEvent, ValidationError } from 'cloudevents';
import type { IncomingRecord, Refused } from './event-source.ts';
import { refused } from './handler.ts';

/** An event whose attributes are valid; of its data nothing is known yet. */
export interface RecordEvent {
  kind: 'event';
  source: string;
  id: string;
  type: string;
  /** The extension `tenantid`, as it came. */
  tenantId: unknown;
  data: ReadData;
}

export type ReadData = { kind: 'json'; value: unknown } | { kind: 'unreadable'; why: string };

export function readCloudEvent({ value, headers }: IncomingRecord): RecordEvent | Refused {
  const media = mediaType(contentType(headers));
  if (!media.startsWith('application/cloudevents')) return binary(headers, value);
  return media === 'application/cloudevents+json'
    ? structured(value)
    : noEvent(`The content type ${cut(media)} is not read here.`);
}

const noEvent = (detail: string): Refused => refused('not_a_cloud_event', detail);

/** Senders who think of HTTP write `Content-Type`. */
const contentType = (headers: Record<string, string>): string =>
  headers['content-type'] ?? Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';

/** Media types have no case; what parameters say (a charset) is UTF-8 in any case. */
const mediaType = (text: string): string => (text.split(';')[0] ?? '').trim().toLowerCase();

const PREFIX = 'ce_';

function binary(headers: Record<string, string>, value: Buffer | null): RecordEvent | Refused {
  const attributes = Object.entries(headers).filter(([name]) => name.startsWith(PREFIX));
  if (attributes.length === 0)
    return noEvent('The record has neither ce_ headers nor the content type application/cloudevents+json.');
  const named = attributes.filter(([, text]) => text !== '').map(([name, text]) => [name.slice(PREFIX.length), text]);
  return checked(Object.fromEntries(named), jsonIn(value));
}

function structured(value: Buffer | null): RecordEvent | Refused {
  const read = jsonIn(value);
  if (read.kind === 'unreadable') return noEvent(read.why);
  if (!isObject(read.value)) return noEvent('The value is no JSON object.');
  const { data, data_base64: encoded, ...attributes } = read.value;
  return checked(attributes, structuredData(data ?? undefined, encoded ?? undefined));
}

function structuredData(data: unknown, encoded: unknown): ReadData {
  if (encoded === undefined && data === undefined) return unreadable('The event has no data.');
  if (encoded === undefined) return { kind: 'json', value: unwrapped(data) };
  if (data !== undefined) return unreadable('The event has both data and data_base64.');
  const bytes = typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : null;
  return bytes?.toString('base64') === encoded ? jsonIn(bytes, 'data_base64') : unreadable('data_base64 is no base64.');
}

const unreadable = (why: string): ReadData => ({ kind: 'unreadable', why });

/** Whatever its media type says: the data of what is handled here is JSON. */
function jsonIn(bytes: Buffer | null, what = 'The value'): ReadData {
  if (!bytes || bytes.length === 0) return unreadable(`${what} is empty.`);
  const text = textOf(bytes);
  if (text === null) return unreadable(`${what} is no UTF-8.`);
  const json = parsed(text);
  return json === undefined ? unreadable(`${what} is no JSON.`) : { kind: 'json', value: unwrapped(json) };
}

/** Some senders put JSON text into a JSON string. */
const unwrapped = (value: unknown): unknown => (typeof value === 'string' ? (parsed(value) ?? value) : value);

/** JSON has no undefined. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checked(attributes: Record<string, unknown>, data: ReadData): RecordEvent | Refused {
  const fault = faultIn(attributes);
  if (fault !== undefined) return noEvent(fault);
  const {
    source,
    id,
    type,
    tenantid: tenantId,
  } = attributes as { source: string; id: string; type: string } & Record<string, unknown>;
  return { kind: 'event', source, id, type, tenantId, data };
}

const REQUIRED = ['specversion', 'id', 'source', 'type'];
/** What tells one event from another, and whose it is. */
const NAMING = ['id', 'source', 'type', 'tenantid'];
/** As platform/kafka-source.ts hands a header in that is no UTF-8 (U+FFFD) or says several things (a line each). */
const UNCLEAR = /[\p{Cc}\p{Cs}\uFFFD]/u;
const isUnclear = (value: unknown): boolean => typeof value === 'string' && UNCLEAR.test(value);

function faultIn(attributes: Record<string, unknown>): string | undefined {
  const missing = REQUIRED.filter((name) => (attributes[name] ?? '') === '');
  if (missing.length > 0) return `The event has no ${missing.join(', ')}.`;
  if (attributes['specversion'] !== '1.0') return 'The event’s specversion is not 1.0.';
  const unclear = NAMING.find((name) => isUnclear(attributes[name]));
  if (unclear) return `The event’s ${unclear} is not one text of UTF-8 without control characters.`;
  const time = timeOf(attributes['time'] ?? null);
  return time === undefined ? 'The event’s time is no instant.' : invalidAttribute({ ...attributes, time });
}

/** An event may leave its time out. One that Date reads counts: nothing here depends on it. */
function timeOf(time: unknown): string | null | undefined {
  if (time === null) return null;
  const at = new Date(typeof time === 'string' || typeof time === 'number' ? time : Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

function invalidAttribute(attributes: Record<string, unknown>): string | undefined {
  try {
    new CloudEvent(attributes, false).validate();
    return undefined;
  } catch (error) {
    if (error instanceof ValidationError && error.errors && error.errors.length > 0)
      return error.errors.map(inWords).join('; ');
    return error instanceof Error ? cut(error.message) : 'The attributes are not valid.';
  }
}

const inWords = (error: string | { instancePath: string; message?: string }): string =>
  typeof error === 'string' ? error : `${error.instancePath.slice(1)}: ${error.message}`;

const QUOTED_MAX = 200;

/** What is quoted from a record may be as large as the record. */
export const cut = (text: string): string => (text.length <= QUOTED_MAX ? text : `${text.slice(0, QUOTED_MAX)} ...`);
