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
  nextCursor: string;
  prunedBefore: string | null;
}
interface Problem {
  status: number;
  code?: string;
  detail?: string;
  firstSequence?: number;
}

export const missingEvents =
  (rest: RestOptions): MissingEvents =>
  async ({ topic, subject, tenantId, afterSequence, limit }) => {
    const what = `The events of ${subject} on ${topic} after ${afterSequence} could not be read`;
    const query = { topic, subject, afterSequence: `${afterSequence}`, limit: `${limit}` };
    const answer = await readPage(rest, query, tenantId, what);
    if ('items' in answer) return answer.items;
    const { code, firstSequence } = answer;
    if (code === PRUNED && firstSequence !== undefined) return { firstSequence };
    throw refusedWith(answer, what);
  };

/** Of one tenant, or of all that the caller may act for. Throws an EventError `gap` when there is no answer. */
export async function readPage(
  { baseUrl, token, apiKey, fetch = globalThis.fetch }: RestOptions,
  query: Record<string, string>,
  tenantId: string | null,
  what: string,
): Promise<Page | Problem> {
  const secret = token ?? apiKey;
  const authorization = typeof secret === 'function' ? await secret() : secret;
  const headers = {
    ...(tenantId === null ? {} : { 'X-Tenant-Id': tenantId }),
    ...(authorization === undefined ? {} : { Authorization: `Bearer ${authorization}` }),
  };
  const answer = await fetch(`${baseUrl.replace(/\/+$/, '')}/v1/events?${new URLSearchParams(query).toString()}`, {
    headers,
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  }).catch((error: unknown) => {
    throw new EventError('gap', `${what}: there was no answer.`, { cause: error });
  });
  const body = ((await answer.json().catch(() => null)) ?? {}) as Partial<Page & Problem>;
  // What is in between may answer 200 with a page of its own.
  return answer.ok && Array.isArray(body.items) ? (body as Page) : { ...body, status: answer.status };
}

export const refusedWith = ({ status, code = '', detail = '' }: Problem, what: string): EventError =>
  new EventError('gap', `${what}: ${status} ${code} ${detail}`.trim());
