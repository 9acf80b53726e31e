/** Records as the service sends them, made by a test: in versions and modes of the test's choice. */
import { randomUUID } from 'node:crypto';
import { eventExample } from '../../api/published-schema.ts';
import { eventType } from '../../messaging/cloud-event.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { kafka } from './kit.ts';

export interface Sent {
  topic: string;
  key: string;
  sequence: number;
  type?: string;
  data?: unknown;
  factId?: string;
  structured?: boolean;
}

/** Data of a type as it can come; empty for a type that nobody has published. */
function dataOf(type: string): Record<string, unknown> {
  const definition = catalogue.find((one) => eventType(one) === type);
  return definition ? (eventExample(definition) as Record<string, unknown>) : {};
}

export const paidData = dataOf('billing.invoice.paid.v1');

/** As kafkajs takes it. */
export function recordOf({ key, sequence, type = 'billing.invoice.paid.v1', data = dataOf(type), ...sent }: Sent) {
  const attributes = {
    specversion: '1.0',
    id: randomUUID(),
    source: '/billing/invoices',
    type,
    time: '2030-01-01T00:00:00.000Z',
    subject: key,
    sequence: String(sequence),
    partitionkey: key,
    ...(sent.factId === undefined ? {} : { factid: sent.factId }),
  };
  if (sent.structured) {
    const headers: Record<string, string> = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
    return { key, value: JSON.stringify({ ...attributes, data }), headers };
  }
  const named = Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]);
  const headers: Record<string, string> = { ...Object.fromEntries(named), 'content-type': 'application/json' };
  return { key, value: JSON.stringify(data), headers };
}

/** In this order, which is that of each key. */
export async function send(records: readonly Sent[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    for (const topic of new Set(records.map((record) => record.topic))) {
      const messages = records.filter((record) => record.topic === topic).map(recordOf);
      await producer.send({ topic, messages });
    }
  } finally {
    await producer.disconnect();
  }
}
