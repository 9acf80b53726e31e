/** A payment gateway: announces payments on Kafka, and sends what no gateway should. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import type { Config } from '../../platform/config.ts';
import type { System } from './system.ts';
import { waitFor } from './wait.ts';

export const PAYMENTS_TOPIC = 'test.billing.public.payments.v1';

export interface Message {
  key: string;
  headers: Record<string, string>;
  value: string;
  /** Chosen by the key when absent. */
  partition?: number;
}

/** A payment of 1200.00 EUR. Undefined members are left out. */
export function paymentMessage(tenantId: string, invoiceId: string, changes: Record<string, unknown> = {}): Message {
  const data = {
    tenantId,
    invoiceId,
    amount: '1200.00',
    currency: 'EUR',
    paymentMethod: 'credit card',
    paymentReference: `GW-${randomUUID()}`,
    receivedAt: new Date().toISOString(),
    ...changes,
  };
  return {
    key: `${tenantId}|${invoiceId}`,
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: '/gateway',
      ce_type: 'billing.payment.received.v1',
      ce_time: new Date().toISOString(),
      ce_tenantid: tenantId,
      'content-type': 'application/json',
    },
    value: JSON.stringify(data),
  };
}

export const PAYMENTS_2_TOPIC = 'test.billing.public.payments.v2';

/** The same in version 2. `changes` are of the payment. */
export function payment2Message(tenantId: string, invoiceId: string, changes: Record<string, unknown> = {}): Message {
  const { headers, ...message } = paymentMessage(tenantId, invoiceId);
  const {
    amount,
    currency,
    paymentMethod: method,
    paymentReference: reference,
    receivedAt,
  } = JSON.parse(message.value) as Record<string, string>;
  const payment = { amount, currency, method, reference, receivedAt, ...changes };
  return {
    ...message,
    headers: { ...headers, ce_type: 'billing.payment.received.v2' },
    value: JSON.stringify({ tenantId, invoiceId, payment }),
  };
}

export const eventIdOf = ({ headers }: Pick<Message, 'headers'>): string => headers['ce_id'] ?? '';

type Sent = Omit<Message, 'value'> & { value: string | null };

export interface Gateway {
  /** A value of null is a tombstone. */
  send: (...messages: Sent[]) => Promise<unknown>;
  /** The same, to a topic of another environment. */
  sendTo: (topic: string, ...messages: Sent[]) => Promise<unknown>;
  /** Sets the consumer's group back to the beginning of the payments; nobody may be reading. */
  resetConsumer: () => Promise<void>;
  stop: () => Promise<void>;
}

export async function startGateway({ config }: { config: Pick<Config, 'KAFKA_BROKERS'> }): Promise<Gateway> {
  const kafka = new kafkajs.Kafka({ brokers: config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const admin = kafka.admin();
  await producer.connect();
  await admin.connect();
  return {
    send: (...messages) => producer.send({ topic: PAYMENTS_TOPIC, messages }),
    sendTo: (topic, ...messages) => producer.send({ topic, messages }),
    resetConsumer: () =>
      waitFor('a group without members', async () => {
        await admin.resetOffsets({ groupId: 'billing', topic: PAYMENTS_TOPIC, earliest: true });
        return true;
      }).then(() => undefined),
    stop: async () => {
      await producer.disconnect();
      await admin.disconnect();
    },
  };
}

/** What came of messages, as the database tells it. */
export const outcomesIn = ({ database }: Pick<System, 'database'>) => ({
  untilStored: (message: Pick<Message, 'headers'>) =>
    waitFor('the dead letter and its workflow', async () => {
      const deadLetter = await database.deadLetter.findFirst({ where: { eventId: eventIdOf(message) } });
      return deadLetter?.workflowStartedAt ? deadLetter : undefined;
    }),
  untilPaid: (tenantId: string, id: string, limitMs?: number) =>
    waitFor(
      'the payment',
      async () => {
        const invoice = await database.invoice.findUnique({ where: { tenantId_id: { tenantId, id } } });
        return invoice?.status === 'paid' ? invoice : undefined;
      },
      limitMs,
    ),
  payments: (tenantId: string, invoiceId: string) => database.payment.count({ where: { tenantId, invoiceId } }),
  deadLetters: (tenantId: string) => database.deadLetter.count({ where: { tenantId } }),
});
