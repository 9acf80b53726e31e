/**
 * A payment that arrives on Kafka settles its invoice.
 *
 * Always true:
 * 1. A message counts once: its CloudEvent source and id are the command's key, however often it is delivered.
 * 2. Nobody's money is skipped: what is refused or cannot be read is kept in dead_letters, with the reason.
 * 3. The topic's write permission is the identity: data.tenantId counts, and the record's key and ce_tenantid agree.
 */
import { CloudEvent, Kafka as CloudEventsKafka } from 'cloudevents';
import { v7 as uuidv7 } from 'uuid';
import { fingerprintOf, storedKey } from '../commands/key.ts';
import { type OutgoingCommand, type SendDeps, sendCommand } from '../commands/send.ts';
import type { PayBody } from '../domain/invoice.ts';
import { payInvoiceSchema } from '../domain/invoice-schema.ts';
import { catalog } from '../events/catalog.ts';
import { eventType } from '../events/cloud-event.ts';
import type { HandleRecord, IncomingRecord } from '../events/event-source.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';

export interface PaymentReceivedDeps {
  database: Database;
  send: SendDeps;
  logger: Logger;
  /** How long one pass waits for the command's answer. */
  deadlineMs: number;
}

const TYPE = eventType('PaymentReceived');
const ACTOR = 'payment gateway';

interface Payment {
  tenantId: string;
  invoiceId: string;
  body: PayBody;
}

/** Why a message is kept; codes of refusals are passed on as they are. */
interface Reason {
  reason: string;
  detail: string;
}

export const createPaymentReceived =
  (deps: PaymentReceivedDeps): HandleRecord =>
  async (record) => {
    const event = toEvent(record);
    if (!(event instanceof CloudEvent)) return keep(deps, record, undefined, event);
    if (event.type !== TYPE) {
      deps.logger.info({ type: event.type, topic: record.topic }, 'skipped an event that nothing here handles');
      return;
    }
    const payment = toPayment(event, record);
    if ('reason' in payment) return keep(deps, record, event, payment);
    const result = await sendCommand(deps.send, commandOf(event, payment), Date.now() + deps.deadlineMs);
    switch (result.kind) {
      case 'answered':
        return;
      case 'refused':
        return keep(
          deps,
          record,
          event,
          { reason: result.refusal.code, detail: result.refusal.detail },
          payment.tenantId,
        );
      case 'failed':
        return keep(
          deps,
          record,
          event,
          { reason: 'internal_error', detail: 'The command failed unexpectedly.' },
          payment.tenantId,
        );
      case 'pending':
      case 'unknown':
        throw new Error('The payment has no answer yet.');
    }
  };

/** The CloudEvent of a record, binary or structured; or why it is none. */
function toEvent({ key, value, headers }: IncomingRecord): CloudEvent<unknown> | Reason {
  const text = value?.toString('utf8') ?? '';
  const message = { key: key?.toString('utf8') ?? '', value: text, body: text, headers };
  try {
    if (!CloudEventsKafka.isEvent(message))
      return { reason: 'not_a_cloud_event', detail: 'The record is no CloudEvent.' };
    const event = CloudEventsKafka.toEvent(message);
    if (!(event instanceof CloudEvent))
      return { reason: 'not_a_cloud_event', detail: 'The record is not one CloudEvent.' };
    event.validate();
    return event;
  } catch (error) {
    return {
      reason: 'not_a_cloud_event',
      detail: error instanceof Error ? error.message : 'The record cannot be read.',
    };
  }
}

function toPayment(event: CloudEvent<unknown>, { key }: IncomingRecord): Payment | Reason {
  const data = catalog.PaymentReceived.schema.safeParse(
    typeof event.data === 'string' ? parseJson(event.data) : event.data,
  );
  if (!data.success) return { reason: 'invalid_data', detail: faults(data.error) };
  const {
    tenantId,
    invoiceId,
    amount,
    currency,
    paymentMethod: method,
    paymentReference: reference,
    receivedAt,
  } = data.data;
  const keyTenant = key?.toString('utf8').split('|')[0];
  if (event['tenantid'] !== tenantId || keyTenant !== tenantId) {
    return {
      reason: 'tenant_mismatch',
      detail: 'data.tenantId, ce_tenantid and the first part of the key must be the same.',
    };
  }
  const body = payInvoiceSchema.safeParse({ amount, currency, method, reference, receivedAt });
  if (!body.success) return { reason: 'invalid_data', detail: faults(body.error) };
  return { tenantId, invoiceId, body: body.data };
}

const faults = ({ issues }: { issues: { path: PropertyKey[]; message: string }[] }): string =>
  issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function commandOf(event: CloudEvent<unknown>, { tenantId, invoiceId, body }: Payment): OutgoingCommand<'pay'> {
  return {
    step: 'pay',
    tenantId,
    invoiceId,
    body,
    actor: ACTOR,
    key: storedKey('event', event.source, event.id),
    fingerprint: fingerprintOf({ method: 'EVENT', route: `${event.type} ${invoiceId}`, ifMatch: null, body }),
    acceptedAt: new Date().toISOString(),
    expectedVersion: null,
  };
}

/** Keeps a record as it came; one that was kept before is left as it is. */
async function keep(
  { database, logger }: PaymentReceivedDeps,
  { topic, partition, offset, key, value, headers }: IncomingRecord,
  event: CloudEvent<unknown> | undefined,
  { reason, detail }: Reason,
  tenantId: string | null = null,
): Promise<void> {
  const { count } = await database.deadLetter.createMany({
    data: {
      id: uuidv7(),
      tenantId,
      topic,
      partition,
      offset,
      source: storable(event?.source),
      eventId: storable(event?.id),
      type: storable(event?.type),
      reason,
      detail,
      headers: JSON.stringify(headers),
      key: key && new Uint8Array(key),
      value: value && new Uint8Array(value),
      openedAt: new Date(),
    },
    skipDuplicates: true,
  });
  if (count > 0)
    logger.warn(
      { topic, partition, offset: String(offset), reason, tenantId },
      'a payment message was kept as a dead letter',
    );
}

/** Postgres keeps no NUL in a text. */
const storable = (text: string | undefined): string | null => text?.replaceAll('\0', '') ?? null;
