/**
 * Sends a command, or the beginnings of many rows at once, until the service has answered for good.
 *
 * Always true: every attempt carries the same keys, so an attempt whose answer was lost is not carried out twice. What
 * is sent waits, asks again and gives up within COMMAND_LIMIT_MS.
 */
import { setTimeout } from 'node:timers/promises';
import type { z } from 'zod';
import { batchAnswer, invoiceAnswer, operationAnswer, problemAnswer } from './answer-schema.ts';
import type { Command, ImportStep, RowCommands, RowRefusal } from './rows.ts';

export interface Service {
  /** Without a slash at the end. */
  url: string;
  /** The service's own default when undefined. */
  tenantId: string | undefined;
  /** Of AUTH=demo; elsewhere the token says who acts. */
  actor: string;
  /** A bearer token; undefined where the service asks for none. */
  token: string | undefined;
}

export interface SendDeps {
  service: Service;
  /** Once aborted nothing is waited for or sent again; the request under way is still finished. */
  stop: AbortSignal;
  /** Told why before each wait. */
  onRetry: (reason: string) => void;
  wait: (ms: number, stop: AbortSignal) => Promise<void>;
  /** Milliseconds that only grow. */
  now: () => number;
}

export type SendOutcome =
  | { kind: 'done'; invoiceId: string; replayed: boolean }
  | ({ kind: 'refused' } & Omit<RowRefusal, 'line' | 'step'>)
  | { kind: 'interrupted' };

/** What came of a row in a batch: the steps that an earlier run had carried out, or which one was refused. */
export type RowOutcome =
  | { kind: 'done'; invoiceId: string; replayed: readonly string[] }
  | ({ kind: 'refused'; step: ImportStep; replayed: readonly string[] } & Omit<RowRefusal, 'line' | 'step'>)
  | { kind: 'interrupted' };

/** Ask again: at `poll`, or by sending the same again when that is undefined. */
interface Again {
  kind: 'again';
  poll: string | undefined;
  reason: string;
  retryAfterMs: number;
}

type Answer = SendOutcome | Again;

/** The code of a command that nobody answered: it may have been carried out, and the next run will tell. */
export const NO_ANSWER = 'no_answer';
const COMMAND_LIMIT_MS = 180_000;
const REQUEST_TIMEOUT_MS = 30_000;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 5_000;
/** Answers of a service, or of a proxy before it, that does not know yet, or is asked for too much at once. */
const unavailable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A wait that ends early, without an error, when `stop` is aborted. */
export const pause = (ms: number, stop: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal: stop }).catch(() => undefined);

/** @param invoiceId of the invoice that the command changes; undefined for the create */
export const sendCommand = (deps: SendDeps, command: Command, invoiceId: string | undefined): Promise<SendOutcome> =>
  untilAnswered<SendOutcome>(deps, (poll, timeoutMs) =>
    poll ? askOperation(deps.service, poll, timeoutMs) : ask(deps.service, command, invoiceId, timeoutMs),
  );

/** Drafts the invoices of the rows, and finalizes them where their commands say so: in one request. */
export async function sendBatch(deps: SendDeps, rows: readonly RowCommands[]): Promise<RowOutcome[]> {
  const outcome = await untilAnswered<BatchOutcome>(deps, (_, timeoutMs) => askBatch(deps.service, rows, timeoutMs));
  switch (outcome.kind) {
    case 'answered':
      return outcome.rows;
    case 'refused':
      return rows.map(() => ({ ...outcome, step: 'create', replayed: [] }));
    case 'interrupted':
      return rows.map(() => outcome);
  }
}

type BatchOutcome = { kind: 'answered'; rows: RowOutcome[] } | Exclude<SendOutcome, { kind: 'done' }>;

type Unanswered = Extract<SendOutcome, { kind: 'refused' | 'interrupted' }>;

async function untilAnswered<Outcome extends { kind: string }>(
  deps: SendDeps,
  attemptAt: (poll: string | undefined, timeoutMs: number) => Promise<Outcome | Again>,
): Promise<Outcome | Unanswered> {
  const deadline = deps.now() + COMMAND_LIMIT_MS;
  let poll: string | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const timeoutMs = Math.min(REQUEST_TIMEOUT_MS, Math.ceil(deadline - deps.now()));
    const answer = await attemptAt(poll, timeoutMs);
    if (!isAgain(answer)) return answer;
    if (deps.stop.aborted) return { kind: 'interrupted' };
    const waitMs = Math.max(answer.retryAfterMs, backoffMs(attempt));
    if (deps.now() + waitMs >= deadline) return noAnswer(answer.reason);
    deps.onRetry(answer.reason);
    await deps.wait(waitMs, deps.stop);
    if (deps.stop.aborted) return { kind: 'interrupted' };
    poll = answer.poll;
  }
}

const isAgain = (answer: { kind: string }): answer is Again => answer.kind === 'again';

/** Half of it by chance, so that commands that failed together do not come back together. */
const backoffMs = (attempt: number): number =>
  Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt) * (0.5 + Math.random() / 2);

const noAnswer = (reason: string): Unanswered => ({
  kind: 'refused',
  code: NO_ANSWER,
  detail: `No answer within ${COMMAND_LIMIT_MS / 1000} s; the last try: ${reason}.`,
  errors: [],
});

async function ask(
  service: Service,
  { step, key, body }: Command,
  invoiceId: string | undefined,
  timeoutMs: number,
): Promise<Answer> {
  const url = `${service.url}/v1/invoices${invoiceId === undefined ? '' : `/${invoiceId}/${step}`}`;
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  const reply = await request(service, url, { method: 'POST', headers, body: JSON.stringify(body) }, timeoutMs);
  if ('failure' in reply) return again(reply.failure);
  if (reply.status === 202) {
    const location = reply.headers.get('Location');
    return again('not carried out yet', reply, location === null ? undefined : new URL(location, url).href);
  }
  if (unavailable.has(reply.status)) return again(`status ${reply.status}`, reply);
  const invoice = reply.status === 200 || reply.status === 201 ? invoiceAnswer.safeParse(reply.body) : undefined;
  return invoice?.success
    ? done(invoice.data, reply.headers.get('Idempotency-Replayed') === 'true')
    : refused(problemAnswer.safeParse(reply.body).data, reply.status);
}

async function askBatch(
  service: Service,
  rows: readonly RowCommands[],
  timeoutMs: number,
): Promise<BatchOutcome | Again> {
  const items = rows.map(({ commands: [create] }) => ({ idempotencyKey: create.key, invoice: create.body }));
  const finalize = rows.some(({ commands }) => commands.some(({ step }) => step === 'finalize'));
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ finalize, items }),
  };
  const reply = await request(service, `${service.url}/v1/invoices/batch`, init, timeoutMs);
  if ('failure' in reply) return again(reply.failure);
  if (unavailable.has(reply.status)) return again(`status ${reply.status}`, reply);
  const batch = reply.status === 200 ? batchAnswer.safeParse(reply.body).data : undefined;
  if (batch?.items.length !== rows.length) return refused(problemAnswer.safeParse(reply.body).data, reply.status);
  return { kind: 'answered', rows: batch.items.map(rowOutcome) };
}

function rowOutcome({ replayed, invoice, problem }: z.infer<typeof batchAnswer>['items'][number]): RowOutcome {
  if (invoice && !problem) return { kind: 'done', invoiceId: invoice.id, replayed };
  return { ...refused(problem ?? undefined, 200), step: invoice ? 'finalize' : 'create', replayed };
}

/** What became of a command that was answered with 202. When nobody knows, the command is sent again. */
async function askOperation(service: Service, poll: string, timeoutMs: number): Promise<Answer> {
  const reply = await request(service, poll, {}, timeoutMs);
  if ('failure' in reply) return again(reply.failure, undefined, poll);
  if (unavailable.has(reply.status)) return again(`status ${reply.status}`, reply, poll);
  const operation = reply.status === 200 ? operationAnswer.safeParse(reply.body).data : undefined;
  switch (operation?.status) {
    case 'pending':
      return again('not carried out yet', reply, poll);
    case 'succeeded':
      return operation.invoice ? done(operation.invoice, false) : refused(undefined, reply.status);
    case 'refused':
      return refused(operation.problem ?? undefined, reply.status);
    case 'failed':
      return refused({ code: 'internal_error', detail: 'The command failed; nothing was changed.', errors: [] });
    default:
      // What a person has stopped is not repeated by a machine.
      return operation?.problem ? refused(operation.problem) : again('the attempt was lost', reply);
  }
}

const done = ({ id }: z.infer<typeof invoiceAnswer>, replayed: boolean): Answer => ({
  kind: 'done',
  invoiceId: id,
  replayed,
});

const refused = (
  problem?: z.infer<typeof problemAnswer>,
  status?: number,
): Extract<SendOutcome, { kind: 'refused' }> => ({
  kind: 'refused',
  code: problem?.code ?? 'unexpected_answer',
  detail: problem?.detail ?? `Status ${status}, without a problem that can be read: is this the service?`,
  errors: problem?.errors ?? [],
});

const again = (reason: string, reply?: Reply, poll?: string): Again => ({
  kind: 'again',
  poll,
  reason,
  retryAfterMs: retryAfterMs(reply?.headers.get('Retry-After') ?? null),
});

/** Retry-After is in seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

interface Reply {
  status: number;
  headers: Headers;
  /** Undefined when it is not JSON. */
  body: unknown;
}

/** One request. `failure`: no whole answer came. */
async function request(
  { tenantId, actor, token }: Service,
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string },
  timeoutMs: number,
): Promise<Reply | { failure: string }> {
  const identity = {
    'X-Actor': actor,
    ...(tenantId === undefined ? {} : { 'X-Tenant-Id': tenantId }),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      ...init,
      headers: { ...identity, ...init.headers },
      signal,
      // A redirect would turn the command into a GET.
      redirect: 'manual',
    });
    return { status: response.status, headers: response.headers, body: asJson(await response.text()) };
  } catch (error) {
    return { failure: signal.aborted ? `none in ${timeoutMs} ms` : causeOf(error) };
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says only "fetch failed"; what failed is its cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}
