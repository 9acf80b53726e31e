/** What the REST client does when an answer does not come, or says to come again. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type * as Client from '../../clients/typescript/rest/src/index.ts';
import { projectFolder } from '../../scripts/stack/settings.mjs';

const built = path.join(projectFolder, 'clients/typescript/rest/dist/index.js');
const { OutcomeUnknownError, ProblemError, answerOf, createClient } = (await import(
  pathToFileURL(built).href
)) as typeof Client;

/** A timer may be over a little before its time. */
const PAUSE_MIN_MS = 95;
const SOON = { 'Retry-After': '0' };
const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers: { ...SOON, ...headers } });
const problem = (status: number, code: string) => json(status, { code, detail: `It is ${code}`, status });
const invoice = { id: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d', status: 'draft' };

/** A client whose requests are answered one by one; the last answer is given again and again. */
function clientWith(answers: readonly (() => Response)[], options: Partial<Client.ClientOptions> = {}) {
  const requests: Request[] = [];
  const client = createClient({
    baseUrl: 'http://billing.test',
    deadlineMs: 60_000,
    fetch: async (request) => {
      requests.push(request);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      if (!answer) throw new TypeError('fetch failed');
      return answer();
    },
    ...options,
  });
  const create = () =>
    answerOf(client.POST('/v1/invoices', { body: { name: 'Hosting', amount: '1.00', currency: 'EUR' } }));
  const keys = () => new Set(requests.map(({ headers }) => headers.get('Idempotency-Key')));
  return { client, requests, create, keys };
}

const broken = (): Response => {
  throw new TypeError('fetch failed');
};
/** The status has come, and the connection breaks within the body. */
const brokenWithin = (): Response => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"id":')),
    pull: (controller) => controller.error(new TypeError('terminated')),
  });
  return new Response(body, { status: 201 });
};
const underWay = () => json(202, { status: 'pending' }, { Location: '/v1/operations/1?invoiceId=2' });
const created = () => json(201, invoice);

it.each([
  ['the connection breaks', broken],
  ['the connection breaks within the answer', brokenWithin],
  ['it is not available', () => problem(503, 'temporarily_unavailable')],
  ['a gateway gives up', () => new Response('Bad gateway', { status: 502, headers: SOON })],
  ['it asks for too much', () => problem(429, 'rate_limited')],
  ['its command is under way', underWay],
])('when %s, the same command is sent again with its key', async (_, first) => {
  const { create, requests, keys } = clientWith([first, created]);
  expect(await create()).toEqual(invoice);
  expect(requests.length).toBe(2);
  expect([...keys()]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  expect(await Promise.all(requests.map((request) => request.json()))).toEqual([
    { name: 'Hosting', amount: '1.00', currency: 'EUR' },
    { name: 'Hosting', amount: '1.00', currency: 'EUR' },
  ]);
});

it.each([
  ['no answer', broken],
  ['half an answer', brokenWithin],
  ['an operation', underWay],
  ['a 503', () => problem(503, 'temporarily_unavailable')],
])('at the deadline, with %s, the outcome is unknown, and the error has the key', async (_, answer) => {
  const { create, keys } = clientWith([answer], { deadlineMs: 5 });
  const error = await create().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OutcomeUnknownError);
  expect([...keys()]).toEqual([(error as InstanceType<typeof OutcomeUnknownError>).idempotencyKey]);
});

it('an answer that has come is not cut at the deadline, however late it is read, and may have no body', async () => {
  const requests: Request[] = [];
  const body = (signal: AbortSignal) =>
    new ReadableStream({
      start: (controller) => {
        signal.addEventListener('abort', () => controller.error(signal.reason));
        controller.enqueue(new TextEncoder().encode('{}'));
        controller.close();
      },
    });
  const client = createClient({
    baseUrl: 'http://billing.test',
    deadlineMs: 20,
    fetch: async (request) => {
      requests.push(request);
      return request.method === 'DELETE'
        ? new Response(null, { status: 204 })
        : new Response(body(request.signal), { status: 200 });
    },
  });
  const { data } = await client.GET('/v1/invoices', { parseAs: 'stream' });
  const signal = requests[0]?.signal;
  if (signal?.aborted === false)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  expect(await new Response(data).text()).toBe('{}');
  const deleted = await client.DELETE('/v1/cashiers/{id}', { params: { path: { id: '1' } } });
  expect(deleted.response.status).toBe(204);
});

it.each(['', '0', '-1', 'Wed, 21 Oct 2015 07:28:00 GMT'])(
  'with Retry-After "%s" there is a pause before it is sent again',
  async (after) => {
    const sentAt: number[] = [];
    const refused = () => {
      sentAt.push(performance.now());
      return new Response(null, { status: 429, headers: { 'Retry-After': after } });
    };
    const { create } = clientWith([refused, () => (sentAt.push(performance.now()), created())]);
    await create();
    expect((sentAt[1] ?? 0) - (sentAt[0] ?? 0)).toBeGreaterThanOrEqual(PAUSE_MIN_MS);
  },
);

it('each command has a key of its own, and the caller’s own is kept', async () => {
  const { client, create, keys } = clientWith([created]);
  await create();
  await create();
  const header = { 'Idempotency-Key': 'order-7731' };
  await client.POST('/v1/invoices', { params: { header }, body: { name: 'a', amount: '1.00', currency: 'EUR' } });
  expect(keys().size).toBe(3);
  expect(keys()).toContain('order-7731');
});

it('a problem is an error that is told by its code, and is not sent again', async () => {
  const { create, requests } = clientWith([() => problem(422, 'unknown_cashier')]);
  const error = await create().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({ code: 'unknown_cashier', problem: { detail: 'It is unknown_cashier' } });
  expect(requests.length).toBe(1);
});

it('a write that takes no key is sent again only when it was not carried out', async () => {
  const make = (first: () => Response) => {
    const { client, requests } = clientWith([first, () => json(201, {})]);
    const answer = client.POST('/v1/api-keys/{id}/rotate', { params: { path: { id: '1' } } });
    return { answer, requests };
  };
  const unknown = make(() => problem(503, 'temporarily_unavailable'));
  expect((await unknown.answer).error).toMatchObject({ code: 'temporarily_unavailable' });
  expect(unknown.requests.length).toBe(1);
  const refused = make(() => problem(429, 'rate_limited'));
  expect((await refused.answer).response.status).toBe(201);
  expect(refused.requests.map(({ headers }) => headers.get('Idempotency-Key'))).toEqual([null, null]);
});

it('token and tenant go with every request, and the token is asked for each time', async () => {
  let count = 0;
  const token = async () => `token-${(count += 1)}`;
  const { client, requests } = clientWith([() => json(200, { items: [] })], { token, tenantId: 'tenant' });
  await client.GET('/v1/invoices');
  await client.GET('/v1/invoices');
  expect(requests.map(({ headers }) => [headers.get('Authorization'), headers.get('X-Tenant-Id')])).toEqual([
    ['Bearer token-1', 'tenant'],
    ['Bearer token-2', 'tenant'],
  ]);
});

it('a caller who does not want to wait any longer is not kept', async () => {
  const { client } = clientWith([() => problem(503, 'temporarily_unavailable')]);
  const leaving = new AbortController();
  const answer = client.GET('/v1/invoices', { signal: leaving.signal });
  leaving.abort();
  await expect(answer).rejects.toThrow('aborted');
});
