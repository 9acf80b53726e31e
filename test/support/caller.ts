/**
 * A caller of the REST API, as the contract tells applications to be: what is answered with 503, or with 202 and an
 * operation, is sent again with the same key until it is answered. Every answer is held against what is published.
 */
import type { WireInvoice } from '../../invoices/wire.ts';
import { assertPublished } from './published.ts';
import { atMost } from './speed.ts';
import { waitFor } from './wait.ts';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  rawBody?: string;
  /** One request, whatever comes: for tests that are about a 503 or a 202. */
  once?: boolean;
}

export interface Caller {
  tenantId: string;
  request: <T = Record<string, unknown>>(method: string, path: string, options?: RequestOptions) => Promise<Answer<T>>;
  /** Drafts an invoice of 1200.00 EUR; fails the test unless it is created. */
  draft: (members?: Record<string, unknown>) => Promise<WireInvoice>;
  finalized: (members?: Record<string, unknown>) => Promise<WireInvoice>;
  step: (id: string, step: string, options?: RequestOptions) => Promise<Answer<WireInvoice & Problem>>;
  pay: (
    id: string,
    changes?: Record<string, unknown>,
    options?: RequestOptions,
  ) => Promise<Answer<WireInvoice & Problem>>;
}

export interface Problem {
  code: string;
  detail: string;
  errors: { path: string; code: string; message: string }[];
}

/** A request has a deadline of its own, and is answered soon after it. */
const REQUEST_LIMIT_MS = atMost(20_000);
/** More than one deadline of a request, for a server that is coming back. */
const ANSWER_LIMIT_MS = 40_000;
const draftBody = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };

export const paymentOf = (changes: Record<string, unknown> = {}) => ({
  amount: '1200.00',
  currency: 'EUR',
  method: 'bank transfer',
  reference: `PAY-${crypto.randomUUID()}`,
  ...changes,
});

/** Not answered yet: nobody knows whether it was carried out, or it is still being carried out. */
const isUnanswered = ({ status, headers, body }: Answer<unknown>): boolean =>
  (status === 503 && (body as Problem | null)?.code === 'temporarily_unavailable') ||
  (status === 202 && headers.get('Location')?.startsWith('/v1/operations/') === true);

export function createCaller(url: string, tenantId: string): Caller {
  async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const first = await send<T>(method, path, options);
    if (options.once || !isUnanswered(first)) return first;
    const key = first.headers.get('Idempotency-Key');
    const again = { ...options, headers: { ...options.headers, ...(key === null ? {} : { 'Idempotency-Key': key }) } };
    return waitFor(
      `an answer to ${method} ${path}`,
      async () => {
        const answer = await send<T>(method, path, again);
        return isUnanswered(answer) ? undefined : answer;
      },
      ANSWER_LIMIT_MS,
    );
  }
  async function send<T>(
    method: string,
    path: string,
    { headers = {}, body, rawBody }: RequestOptions,
  ): Promise<Answer<T>> {
    const text = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${url}${path}`, {
      method,
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
      headers: {
        'X-Tenant-Id': tenantId,
        'X-Actor': 'ann',
        ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
    const { status, headers: answered } = response;
    const answer = await response.text();
    const parsed = (answer ? JSON.parse(answer) : null) as T;
    assertPublished(method, path, status, answered.get('Content-Type'), answered, parsed);
    return { status, headers: answered, body: parsed };
  }
  async function expectStatus(status: number, answer: Promise<Answer<WireInvoice>>): Promise<WireInvoice> {
    const got = await answer;
    if (got.status !== status) throw new Error(`Expected ${status}, got ${got.status}: ${JSON.stringify(got.body)}`);
    return got.body;
  }
  const draft: Caller['draft'] = (members = {}) =>
    expectStatus(201, request<WireInvoice>('POST', '/v1/invoices', { body: { ...draftBody, ...members } }));
  const step: Caller['step'] = (id, name, options) => request('POST', `/v1/invoices/${id}/${name}`, options);
  return {
    tenantId,
    request,
    draft,
    step,
    finalized: async (members) => {
      const { id } = await draft(members);
      return expectStatus(200, step(id, 'finalize'));
    },
    pay: (id, changes = {}, options = {}) => step(id, 'pay', { body: paymentOf(changes), ...options }),
  };
}
