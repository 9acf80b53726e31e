/**
 * The REST API, typed by its OpenAPI document.
 *
 * What must stay true: a command has one Idempotency-Key, made before it is sent the first time, so that however often
 * it is sent it takes effect once.
 */
import createFetchClient, { type Client } from 'openapi-fetch';
import type { paths } from './generated/openapi.ts';
import { keyedOperations } from './generated/operations.ts';
import { KEY, type Send, sendUntilAnswered } from './send.ts';

export type BillingClient = Client<paths>;

/** A text, or what gives it before each request: access tokens expire. */
type Secret = string | (() => string | Promise<string>);

export interface ClientOptions {
  /** Of the service, without `/v1`. */
  baseUrl: string;
  /** An access token of an issuer; this or `apiKey`. */
  token?: Secret;
  apiKey?: Secret;
  /** The tenant of every request, for a caller who may act for all tenants. */
  tenantId?: string;
  /** How long a request is sent again while nobody knows its outcome. */
  deadlineMs?: number;
  fetch?: Send;
}

const DEADLINE_MS = 30_000;

/**
 * Each method gives `{ data, error, response }`, where `error` is the problem; `answerOf` gives the data or throws. To go
 * on with a command after a crash, send it with a key of your own: `params: { header: { 'Idempotency-Key': key } }`.
 */
export function createClient(options: ClientOptions): BillingClient {
  const { baseUrl, token, apiKey, tenantId, deadlineMs = DEADLINE_MS, fetch: send = globalThis.fetch } = options;
  if (token !== undefined && apiKey !== undefined) throw new TypeError('Either token or apiKey, not both.');
  const secret = token ?? apiKey;
  const client = createFetchClient<paths>({
    baseUrl,
    fetch: (request) => sendUntilAnswered(request, { deadlineMs, send }),
  });
  client.use({
    onRequest: async ({ request, schemaPath }) => {
      const { headers, method } = request;
      if (secret !== undefined)
        headers.set('Authorization', `Bearer ${typeof secret === 'string' ? secret : await secret()}`);
      if (tenantId !== undefined && !headers.has('X-Tenant-Id')) headers.set('X-Tenant-Id', tenantId);
      if (keyedOperations.has(`${method} ${schemaPath}`) && !headers.has(KEY)) headers.set(KEY, crypto.randomUUID());
    },
  });
  return client;
}
