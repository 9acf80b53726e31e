/**
 * A caller of the REST API who sends each command with a key, keeps what was answered, and after the upgrade asks
 * again. What is answered with 503, or with 202 and an operation, is sent again with its key until it is answered.
 */
import { randomUUID } from 'node:crypto';
import { expect } from './report.mjs';

const REQUEST_MS = 20_000;
const ANSWER_MS = 60_000;
const COMMANDS = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);
const WITHOUT_ANSWER_KEPT = /^\/v1\/(?:billing-runs|dead-letters)/;

/** @param {{url: string, tenantId: string, atMost: (ms: number) => number, waitFor: Function}} options */
export function createCaller({ url, tenantId, atMost, waitFor }) {
  /** Commands that took effect, with the answers. */
  const answered = [];

  /** One request, whatever comes of it. */
  async function sendOnce({ method, path, body, key }) {
    const response = await fetch(`${url}${path}`, {
      method,
      signal: AbortSignal.timeout(atMost(REQUEST_MS)),
      headers: {
        'X-Tenant-Id': tenantId,
        'X-Actor': 'ann',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  }

  const untilAnswered = (request) =>
    waitFor(`An answer to ${request.method} ${request.path}`, ANSWER_MS, async () => {
      const answer = await sendOnce(request);
      return isUnanswered(answer) ? undefined : answer;
    });

  function remember(request, { status, text }) {
    if (status < 300 && !WITHOUT_ANSWER_KEPT.test(request.path)) answered.push({ request, status, text });
  }

  /** A request that must be answered with one of `expected`; resolves with the body. */
  async function ask(method, path, { body, expected = [200, 201, 202, 204] } = {}) {
    const key = COMMANDS.has(method) ? randomUUID() : undefined;
    const request = { method, path, body, key };
    const answer = await untilAnswered(request);
    expect(expected.includes(answer.status), `${method} ${path} was answered with ${answer.status}: ${answer.text}`);
    if (key) remember(request, answer);
    return answer.text ? JSON.parse(answer.text) : undefined;
  }

  return {
    tenantId,
    answered,
    sendOnce,
    untilAnswered,
    remember,
    get: (path) => ask('GET', path),
    post: (path, body) => ask('POST', path, { body }),
    ask,
  };
}

const isUnanswered = ({ status, headers, text }) =>
  status === 503 || (status === 202 && headers.get('Location')?.startsWith('/v1/operations/') && text !== '');

/** What applications do, in the words of the service. */
export const invoicesOf = (caller) => ({
  draft: (members = {}) =>
    caller.post('/v1/invoices', { name: 'Hosting, November', amount: '1200.00', currency: 'EUR', ...members }),
  read: (id) => caller.get(`/v1/invoices/${id}`),
  change: (id, body) => caller.ask('PATCH', `/v1/invoices/${id}`, { body }),
  finalize: (id) => caller.post(`/v1/invoices/${id}/finalize`),
  cancel: (id, reason) => caller.post(`/v1/invoices/${id}/cancel`, { reason }),
  pay: (id) => caller.post(`/v1/invoices/${id}/pay`, paymentOf(id)),
  /** On Kafka, as a gateway would. */
  announcePayment: (id) => caller.post(`/v1/invoices/${id}/simulate-payment`),
});

const paymentOf = (id) => ({ amount: '1200.00', currency: 'EUR', method: 'bank transfer', reference: `PAY-${id}` });
