import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Command, RowCommands } from '../../operations/import/rows.ts';
import { type SendDeps, sendBatch, sendCommand } from '../../operations/import/send.ts';

const create: Command = { step: 'create', key: 'import:1', body: { name: 'One', amount: '1', currency: 'EUR' } };
const finalize: Command = { step: 'finalize', key: 'import:1:finalize', body: {} };
const pending = { status: 202, headers: { Location: '/v1/operations/op?invoiceId=inv', 'Retry-After': '1' }, body: {} };
const made = { status: 201, body: { id: 'inv' } };
const operation = (status: string, members: object = {}) => ({ status: 200, body: { status, ...members } });

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A service that gives these replies in turn, the last one for ever; 'cut' ends the connection without any. */
async function serviceThatSays(...replies: (Reply | 'cut')[]) {
  const asked: string[] = [];
  const bodies: string[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk))).on('end', () => bodies.push(body));
    asked.push(`${request.method} ${request.url} ${String(request.headers['idempotency-key'] ?? '')}`.trim());
    const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? 'cut';
    if (reply === 'cut') return void request.socket.destroy();
    response.writeHead(reply.status, { 'Content-Type': 'application/json', ...reply.headers });
    response.end(JSON.stringify(reply.body ?? {}));
  };
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, asked, bodies };
}

/** Time passes only where it is waited for. */
function deps(url: string, stop = new AbortController()) {
  const waits: number[] = [];
  let now = 0;
  const wait = async (ms: number) => {
    waits.push(ms);
    now += ms;
  };
  const service = { url, tenantId: undefined, actor: 'test', token: undefined };
  const sendDeps: SendDeps = { service, stop: stop.signal, onRetry: () => {}, wait, now: () => now };
  return { sendDeps, waits };
}

const done = (replayed = false) => ({ kind: 'done', invoiceId: 'inv', replayed });

it('a 503 and a cut connection are sent again with the same key', async () => {
  const { url, asked } = await serviceThatSays({ status: 503, headers: { 'Retry-After': '7' } }, 'cut', made);
  const { sendDeps, waits } = deps(url);
  expect(await sendCommand(sendDeps, create, undefined)).toEqual(done());
  expect(asked).toEqual(Array(3).fill('POST /v1/invoices import:1'));
  expect(waits[0]).toBe(7_000);
  expect(waits[1]).toBeLessThan(7_000);
});

it('a 202 is asked about at its Location until it is carried out', async () => {
  const { url, asked } = await serviceThatSays(
    pending,
    operation('pending'),
    { status: 503 },
    operation('succeeded', { invoice: { id: 'inv' } }),
  );
  expect(await sendCommand(deps(url).sendDeps, create, undefined)).toEqual(done());
  expect(asked).toEqual(['POST /v1/invoices import:1', ...Array(3).fill('GET /v1/operations/op?invoiceId=inv')]);
});

it('an operation that was lost is sent again with the same key', async () => {
  const { url, asked } = await serviceThatSays(pending, operation('unknown'), made);
  expect(await sendCommand(deps(url).sendDeps, create, undefined)).toEqual(done());
  expect(asked.map((line) => line.split(' ')[0])).toEqual(['POST', 'GET', 'POST']);
});

it('what a person has stopped is not sent again', async () => {
  const problem = { code: 'attempt_stopped', detail: 'eve stopped the attempt: maintenance.' };
  const { url, asked } = await serviceThatSays(pending, operation('unknown', { problem }), made);
  expect(await sendCommand(deps(url).sendDeps, create, undefined)).toEqual({ kind: 'refused', ...problem, errors: [] });
  expect(asked).toHaveLength(2);
});

it('an operation that was refused is refused with its problem', async () => {
  const problem = { code: 'unknown_cashier', detail: 'There is no cashier.' };
  const { url } = await serviceThatSays(pending, operation('refused', { problem }));
  expect(await sendCommand(deps(url).sendDeps, create, undefined)).toEqual({ kind: 'refused', ...problem, errors: [] });
});

it('a refusal is final and tells code, detail and fields', async () => {
  const errors = [{ path: 'amount', code: 'not_a_decimal', message: 'must be a decimal' }];
  const body = { code: 'validation_failed', detail: 'Not valid.', errors };
  const { url, asked } = await serviceThatSays({ status: 422, body });
  expect(await sendCommand(deps(url).sendDeps, create, undefined)).toEqual({ kind: 'refused', ...body });
  expect(asked).toHaveLength(1);
});

it('an answer that is not the service’s is a refusal, not a success', async () => {
  const { url } = await serviceThatSays({ status: 200, body: 'hello' });
  expect(await sendCommand(deps(url).sendDeps, create, undefined)).toMatchObject({ code: 'unexpected_answer' });
});

it('a step goes to its invoice, and a replay is told', async () => {
  const replay = { status: 200, headers: { 'Idempotency-Replayed': 'true' }, body: { id: 'inv' } };
  const { url, asked } = await serviceThatSays(replay);
  expect(await sendCommand(deps(url).sendDeps, finalize, 'inv')).toEqual(done(true));
  expect(asked).toEqual(['POST /v1/invoices/inv/finalize import:1:finalize']);
});

it('a command that nobody answers is given up after three minutes, each wait at most five seconds', async () => {
  const { url } = await serviceThatSays('cut');
  const { sendDeps, waits } = deps(url);
  expect(await sendCommand(sendDeps, create, undefined)).toMatchObject({ kind: 'refused', code: 'no_answer' });
  expect(sendDeps.now()).toBeGreaterThan(170_000);
  expect(sendDeps.now()).toBeLessThan(180_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);
});

it('after an interruption nothing is sent again', async () => {
  const { url, asked } = await serviceThatSays({ status: 503 });
  const stop = new AbortController();
  stop.abort();
  expect(await sendCommand(deps(url, stop).sendDeps, create, undefined)).toEqual({ kind: 'interrupted' });
  expect(asked).toHaveLength(1);
});

const batch = (...outcomes: object[]) => ({ status: 200, body: { items: outcomes } });
const inBatch = { replayed: [], invoice: { id: 'inv' }, problem: null };

it('many rows are one request, sent again with the same keys until it is answered', async () => {
  const problem = { code: 'validation_failed', detail: 'Not valid.', errors: [] };
  const { url, asked, bodies } = await serviceThatSays(
    { status: 503 },
    'cut',
    batch(inBatch, { ...inBatch, replayed: ['create'], problem }, { ...inBatch, invoice: null, problem }),
  );
  const rows = [1, 2, 3].map((line): RowCommands => ({ line, commands: [{ ...create, key: `k${line}` }, finalize] }));
  expect(await sendBatch(deps(url).sendDeps, rows)).toEqual([
    { kind: 'done', invoiceId: 'inv', replayed: [] },
    { kind: 'refused', step: 'finalize', replayed: ['create'], ...problem },
    { kind: 'refused', step: 'create', replayed: [], ...problem },
  ]);
  expect(asked).toEqual(Array(3).fill('POST /v1/invoices/batch'));
  expect(JSON.parse(bodies.at(-1) ?? '')).toEqual({
    finalize: true,
    items: ['k1', 'k2', 'k3'].map((idempotencyKey) => ({ idempotencyKey, invoice: create.body })),
  });
});

it('what is said of a whole request is said of each row', async () => {
  const problem = { code: 'invalid_tenant', detail: 'No UUID.', errors: [] };
  const { url } = await serviceThatSays({ status: 400, body: problem });
  const rows: RowCommands[] = [{ line: 1, commands: [create] }];
  expect(await sendBatch(deps(url).sendDeps, rows)).toEqual([
    { kind: 'refused', step: 'create', replayed: [], ...problem },
  ]);
  const other = await serviceThatSays(batch(inBatch, inBatch));
  expect(await sendBatch(deps(other.url).sendDeps, rows)).toMatchObject([{ code: 'unexpected_answer' }]);
});
