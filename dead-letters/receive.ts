/**
 * What the consumer does with a record.
 *
 * Always true:
 * 1. Nothing is lost: a record was handled, or is of a type nobody here handles, or is stored as a dead letter that a
 *    person finds, before its offset is committed.
 * 2. One record holds up none but its own partition, and that not for ever: without an answer for five minutes, while
 *    everything else is well, it is stored too.
 * 3. What was stored belongs to a person: delivered again, it is neither handled nor opened again.
 */
import { type DeadLetterDeps, findDeadLetter, openDeadLetter, startWhenMissing } from './open.ts';
import type { Handled, HandleRecord, IncomingRecord, Refused } from '../messaging/event-source.ts';
import { handleReading } from '../messaging/deliver.ts';
import type { Handling } from '../messaging/handler.ts';
import { createHealthCheck } from '../messaging/health.ts';
import { NO_ANSWER_AFTER_MS, createRedeliveryLimit } from '../messaging/redelivery.ts';
import { SpanKind, type SpanOptions, inSpan } from '../platform/tracing.ts';
import { type Reading, readRecord } from '../messaging/read-record.ts';

export interface ReceiverDeps extends DeadLetterDeps {
  /** NODE_ENV: it names the topics. */
  environment: string;
  noAnswerAfterMs?: number;
  /** Told what became of each record. */
  onRecord?: (topic: string, outcome: RecordOutcome) => void;
}

/** `kept`: it was a dead letter before. `again`: there is no answer yet, and it is to be handed in again. */
export type RecordOutcome = 'handled' | 'refused' | 'skipped' | 'kept' | 'again';

type Read = Exclude<Reading<Handling>, { kind: 'unhandled' }>;

export function createReceiver(deps: ReceiverDeps, handlings: readonly Handling[]): HandleRecord {
  const { logger, noAnswerAfterMs = NO_ANSWER_AFTER_MS, onRecord = () => undefined } = deps;
  const redelivery = createRedeliveryLimit(noAnswerAfterMs, createHealthCheck(deps));

  async function handle(record: IncomingRecord, reading: Read): Promise<Handled> {
    redelivery.seen(record);
    try {
      return await handleReading(reading);
    } catch (error) {
      if (!(await redelivery.isOver(record))) throw error;
      logger.error({ err: error, topic: record.topic, partition: record.partition }, 'a message has no answer');
      return noAnswer(error);
    }
  }

  /** Beside the handler's work only an outage can fail, which says nothing about the record. */
  async function beside<T>(record: IncomingRecord, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      redelivery.forget(record);
      throw error;
    }
  }

  async function receive(record: IncomingRecord): Promise<RecordOutcome> {
    const reading = readRecord(record, handlings, deps.environment);
    if (reading.kind === 'unhandled') {
      logger.info({ type: reading.type, topic: record.topic }, 'skipped an event that nothing here handles');
      return 'skipped';
    }
    const message = { record, ...reading.identity, tenantId: reading.tenantId };
    const stored = await beside(record, findDeadLetter(deps.database, message));
    if (stored) {
      await beside(record, startWhenMissing(deps, stored));
      return 'kept';
    }
    const handled = await handle(record, reading);
    if (handled.kind === 'refused') await beside(record, openDeadLetter(deps, message, handled));
    redelivery.forget(record);
    return handled.kind === 'refused' ? 'refused' : 'handled';
  }

  return async (record) => {
    try {
      const outcome = await inSpan(`process ${record.topic}`, spanOf(record), async (span) => {
        const became = await receive(record);
        span.setAttribute('billing.outcome', became);
        return became;
      });
      onRecord(record.topic, outcome);
    } catch (error) {
      onRecord(record.topic, 'again');
      throw error;
    }
  };
}

/** The sender's trace goes on: named by the extension of CloudEvents, or as OpenTelemetry's own libraries do. */
const spanOf = ({ topic, partition, offset, headers }: IncomingRecord): SpanOptions => ({
  kind: SpanKind.CONSUMER,
  parent: { traceparent: headers['ce_traceparent'] ?? headers['traceparent'] },
  attributes: {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.kafka.offset': Number(offset),
    'messaging.message.id': headers['ce_id'] ?? '',
  },
});

const noAnswer = (error: unknown): Refused => ({
  kind: 'refused',
  reason: 'no_answer',
  detail: `Nobody answered in time, while everything else was well; whether it was carried out is not known: ${error instanceof Error ? error.message : String(error)}`,
});
