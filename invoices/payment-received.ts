/**
 * A payment that arrives on Kafka settles its invoice.
 *
 * Always true:
 * 1. A message counts once: its CloudEvent source and id are the command's key, however often it is delivered, and
 *    whoever hands it in: the consumer, or a person who replays it.
 * 2. Nobody's money is skipped: what the rules refuse is told with the reason, and stored by who handed it in.
 */
import { schemaOf } from '../values/schema.ts';
import type { SendDeps } from '../commands/send-update.ts';
import type { PayBody } from './steps/pay.ts';
import { fingerprintOf, storedKey } from '../commands/key.ts';
import { type OutgoingCommand, sendCommand } from './send.ts';
import { refusalInWords } from '../commands/refusal.ts';
import { nameInMessage, paymentReceived, paymentReceived2, upcastPayment } from './received.ts';
import { pay } from './steps/pay.ts';
import { eventType } from '../messaging/cloud-event.ts';
import type { Refused } from '../messaging/event-source.ts';
import { faultsOf } from '../messaging/faults.ts';
import type { Database } from '../platform/database.ts';
import { type Handler, type HandlerDefinition, type ReceivedEvent, refused } from '../messaging/handler.ts';
import { identityTaken } from '../dead-letters/index.ts';

export interface PaymentReceivedDeps {
  database: Database;
  send: SendDeps;
  /** How long one pass waits for the command's answer. */
  deadlineMs: number;
}

const ACTOR = 'payment gateway';

const createPaymentReceived =
  ({ database, send, deadlineMs }: PaymentReceivedDeps): Handler<typeof paymentReceived2> =>
  async (event) => {
    const body = bodyOf(event);
    if (body.kind === 'refused') return body;
    const result = await sendCommand(send, commandOf(event, body.value), Date.now() + deadlineMs);
    switch (result.kind) {
      case 'answered':
        return { kind: 'done' };
      case 'refused':
        return result.refusal.code === 'idempotency_key_reused'
          ? identityTaken(database, event.data.tenantId, event)
          : refused(result.refusal.code, refusalInWords(result.refusal));
      case 'failed':
        return refused('internal_error', 'The command failed unexpectedly; nothing was changed.');
      case 'stopped':
        return refused('attempt_stopped', `${result.detail} A replay finds out, and counts once.`);
      case 'pending':
      case 'unknown':
        throw new Error('The payment has no answer yet.');
    }
  };

type Announced = ReceivedEvent<typeof paymentReceived2>;

/** The payment that the event announces, as a caller would send it; or what is wrong, as the message calls it. */
export function bodyOf({ data, type }: Pick<Announced, 'data' | 'type'>): { kind: 'body'; value: PayBody } | Refused {
  const parsed = schemaOf(pay.body).safeParse(data.payment);
  if (parsed.success) return { kind: 'body', value: parsed.data };
  const { version } = type === eventType(paymentReceived) ? paymentReceived : paymentReceived2;
  const issues = parsed.error.issues.map(({ path: [member, ...more], message }) => ({
    path: member === undefined ? [] : [...nameInMessage(version, member), ...more],
    message,
  }));
  return refused('invalid_data', faultsOf({ issues }));
}

function commandOf(event: Announced, body: PayBody): OutgoingCommand<'pay'> {
  const { tenantId, invoiceId } = event.data;
  return {
    step: 'pay',
    tenantId,
    invoiceId,
    body,
    actor: ACTOR,
    key: storedKey('event', event.source, event.id),
    fingerprint: fingerprintOf({
      method: 'EVENT',
      route: `${eventType(paymentReceived)} ${invoiceId}`,
      ifMatch: null,
      body,
    }),
    acceptedAt: new Date().toISOString(),
    expectedVersion: null,
  };
}

export const paymentReceivedHandler: HandlerDefinition<typeof paymentReceived2, PaymentReceivedDeps> = {
  event: paymentReceived2,
  earlier: [{ event: paymentReceived, upcast: upcastPayment }],
  create: createPaymentReceived,
  inspect: (event) => {
    const body = bodyOf(event);
    return body.kind === 'refused' ? body : null;
  },
};
