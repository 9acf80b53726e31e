/**
 * Sends a request until it has an answer. What the API says of its answers:
 *
 * - 429: not carried out; send it again after Retry-After.
 * - 503, or none, or half of one (the connection broke, a gateway gave up): nobody knows. 202 with an operation: it is being carried out.
 *   The same request with the same key is safe, and is answered with the outcome. A write without a key is not sent again.
 */
import { setTimeout as pause } from 'node:timers/promises';

export type Send = (request: Request) => Promise<Response>;

export const KEY = 'Idempotency-Key';
/** Whatever Retry-After says, and where nothing says it. */
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 10_000;
const PAUSE_MS = 500;
const UNKNOWN: ReadonlySet<number> = new Set([502, 503, 504]);
const OPERATIONS = '/v1/operations/';

/** At the deadline nobody knew whether the command was carried out: send it again with this key to find out. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  readonly idempotencyKey: string;

  constructor(idempotencyKey: string, last: Response | Failure) {
    const what = last instanceof Response ? `the last answer was ${last.status}` : 'there was no answer';
    super(`The outcome is unknown: ${what}.`, last instanceof Response ? {} : { cause: last.error });
    this.idempotencyKey = idempotencyKey;
  }
}

interface Failure {
  error: unknown;
}

interface SendOptions {
  deadlineMs: number;
  send: Send;
}

/**
 * Throws an OutcomeUnknownError when a command has no answer at the deadline; anything else ends as its last try did.
 */
export async function sendUntilAnswered(request: Request, { deadlineMs, send }: SendOptions): Promise<Response> {
  const { signal } = request;
  const deadline = Date.now() + deadlineMs;
  const key = request.headers.get(KEY);
  const isRepeatable = request.method === 'GET' || key !== null;
  for (;;) {
    const limit = AbortSignal.timeout(Math.max(1, deadline - Date.now()));
    const attempt = new Request(request.clone(), { signal: AbortSignal.any([signal, limit]) });
    const last = await send(attempt).then(whole).catch(failure);
    signal.throwIfAborted();
    const isUnknown = isRepeatable && isOpen(last);
    const isRefused = last instanceof Response && last.status === 429;
    const waitMs = retryAfterMs(last);
    const isOver = Date.now() + waitMs >= deadline;
    if (isUnknown && isOver && key !== null) throw new OutcomeUnknownError(key, last);
    if (isOver || !(isUnknown || isRefused)) return settled(last);
    await pause(waitMs, undefined, { signal });
  }
}

/** With its body: while that is under way the connection may still break, and afterwards no deadline cuts it. */
async function whole(answer: Response): Promise<Response> {
  const { status, statusText, headers, body } = answer;
  return new Response(body && (await answer.arrayBuffer()), { status, statusText, headers });
}

const failure = (error: unknown): Failure => ({ error });

function settled(last: Response | Failure): Response {
  if (last instanceof Response) return last;
  throw last.error;
}

const isOpen = (last: Response | Failure): boolean =>
  !(last instanceof Response) || UNKNOWN.has(last.status) || isUnderWay(last);

/** Its outcome will stand at an operation. Billing runs and batches answer 202 too, which is all they say. */
const isUnderWay = ({ status, headers }: Response): boolean =>
  status === 202 && headers.get('Location')?.startsWith(OPERATIONS) === true;

/** Retry-After in seconds, as the API gives it. */
function retryAfterMs(last: Response | Failure): number {
  const seconds = last instanceof Response ? Number(last.headers.get('Retry-After') ?? Number.NaN) : Number.NaN;
  return Number.isNaN(seconds) ? PAUSE_MS : Math.min(Math.max(seconds * 1_000, PAUSE_MIN_MS), PAUSE_MAX_MS);
}
