/** Callers who each take invoices through a story of their own, and send every command until it is answered. */
import type { WireInvoice } from '../../invoices/wire.ts';
import { randomUUID } from 'node:crypto';
import { atConcurrency } from '../../bench/percentiles.ts';
import { type Answer, type Caller, createCaller, paymentOf } from '../support/caller.ts';
import { waitFor } from '../support/wait.ts';
import type { Random } from './random.ts';

const CALLERS = 4;
const ANSWER_LIMIT_MS = 180_000;

/** A command that was answered for good: what was sent, and what came. */
export interface Answered {
  method: string;
  path: string;
  key: string;
  body: unknown;
  answer: Answer;
}

export interface Load {
  answered: Answered[];
  /** Ids of the invoices so far. */
  ids: string[];
  /** How often a caller had to send again. */
  repeats: () => number;
}

type Send = (method: string, path: string, body?: unknown) => Promise<Answer>;

const stories: readonly ((send: Send, id: string) => Promise<void>)[] = [
  async (send, id) => {
    await send('POST', `/v1/invoices/${id}/finalize`);
    await send('POST', `/v1/invoices/${id}/pay`, paymentOf());
  },
  async (send, id) => {
    await send('PATCH', `/v1/invoices/${id}`, { name: 'Hosting, December' });
    await send('POST', `/v1/invoices/${id}/finalize`);
    await send('POST', `/v1/invoices/${id}/simulate-payment`, {});
  },
  async (send, id) => {
    await send('POST', `/v1/invoices/${id}/finalize`);
    await send('POST', `/v1/invoices/${id}/simulate-payment`, { amount: '1.00', currency: 'EUR' });
    await send('POST', `/v1/invoices/${id}/cancel`, { reason: 'Ordered twice' });
  },
  async (send, id) => {
    await send('POST', `/v1/invoices/${id}/pay`, paymentOf());
    await send('POST', `/v1/invoices/${id}/finalize`);
    await Promise.all([
      send('POST', `/v1/invoices/${id}/pay`, paymentOf()),
      send('POST', `/v1/invoices/${id}/cancel`, {}),
    ]);
  },
  async (send, id) => void (await send('POST', `/v1/invoices/${id}/finalize`)),
];

/** Takes `count` invoices through stories; the load can be looked at while it runs. */
export function startLoad(
  url: string,
  tenantId: string,
  count: number,
  random: Random,
): Load & { done: Promise<void> } {
  const caller = createCaller(url, tenantId);
  const load: Load = { answered: [], ids: [], repeats: () => repeats };
  let repeats = 0;
  const send: Send = async (method, path, body) => {
    const key = randomUUID();
    const answer = await untilAnswered(caller, { method, path, key, body }, () => (repeats += 1));
    load.answered.push({ method, path, key, body, answer });
    return answer;
  };
  const plans = Array.from({ length: count }, () => random.pick(stories));
  const done = atConcurrency(CALLERS, count, async (n) => {
    const body = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
    const { id } = (await send('POST', '/v1/invoices', body)).body as unknown as WireInvoice;
    load.ids.push(id);
    await plans[n - 1]?.(send, id);
  }).then(() => undefined);
  return { ...load, done };
}

type Command = Omit<Answered, 'answer'>;

/** Sends a command with its key until the answer is one that will not change: neither 202, nor 503, nor silence. */
export const untilAnswered = (caller: Caller, { method, path, key, body }: Command, onRepeat: () => void) =>
  waitFor(
    `${method} ${path}`,
    async () => {
      const headers = { 'Idempotency-Key': key };
      const answer = await caller
        .request(method, path, { once: true, headers, ...(body === undefined ? {} : { body }) })
        .catch(() => undefined);
      if (answer && answer.status !== 202 && answer.status !== 503) return answer;
      // simulate-payment answers 202 when it is done.
      if (answer?.status === 202 && path.endsWith('simulate-payment')) return answer;
      onRepeat();
      return undefined;
    },
    ANSWER_LIMIT_MS,
  );
