/** Events that were missed, from the service: `GET /v1/events`. */
import { EventError } from './errors.ts';
import type { KafkaRecord } from './read-event.ts';

/** Which events of a stream: those after a sequence, the oldest first, at most `limit`. */
export interface Asked {
  topic: string;
  subject: string;
  tenantId: string | null;
  afterSequence: number;
  limit: number;
}

/** The service keeps events for a time: of this stream it has none before this one. */
export interface Pruned {
  firstSequence: number;
}

/** Throws an EventError `gap` when there is no answer now. */
export type MissingEvents = (asked: Asked) => Promise<KafkaRecord[] | Pruned>;

export interface RestOptions {
  /** Of the service, without `/v1`. */
  baseUrl: string;
  /** An access token of an issuer, or what gives one before each request; this or `apiKey`. */
  token?: Secret;
  apiKey?: Secret;
  fetch?: typeof globalThis.fetch;
}
type Secret = string | (() => string | Promise<string>);

const ANSWER_LIMIT_MS = 10_000;
const PRUNED = 'events_pruned';

interface Page {
  items: { topic: string; key: string; headers: Record<string, string>; value: string }[];
}
interface Problem {
  code?: string;
  detail?: string;
  firstSequence?: number;
}

export const missingEvents =
  ({ baseUrl, token, apiKey, fetch = globalThis.fetch }: RestOptions): MissingEvents =>
  async ({ topic, subject, tenantId, afterSequence, limit }) => {
    const query = new URLSearchParams({ topic, subject, afterSequence: `${afterSequence}`, limit: `${limit}` });
    const secret = token ?? apiKey;
    const authorization = typeof secret === 'function' ? await secret() : secret;
    const headers = {
      ...(tenantId === null ? {} : { 'X-Tenant-Id': tenantId }),
      ...(authorization === undefined ? {} : { Authorization: `Bearer ${authorization}` }),
    };
    const what = `The events of ${subject} on ${topic} after ${afterSequence} could not be read`;
    const answer = await fetch(`${baseUrl}/v1/events?${query.toString()}`, {
      headers,
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).catch((error: unknown) => {
      throw new EventError('gap', `${what}: there was no answer.`, { cause: error });
    });
    const body = (await answer.json().catch(() => ({}))) as Page & Problem;
    if (answer.ok) return body.items;
    const { code, detail, firstSequence } = body;
    if (code === PRUNED && firstSequence !== undefined) return { firstSequence };
    throw new EventError('gap', `${what}: ${answer.status} ${code ?? ''} ${detail ?? ''}`.trim());
  };
