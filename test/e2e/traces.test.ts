/**
 * Traces of the whole service, its parts as processes of their own: what a caller or a sender began goes on from span to
 * span until Kafka, and the logs say which trace and which command a line is about.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { restKey, storedKey } from '../../commands/key.ts';
import type { Database } from '../../platform/database.ts';
import { type Caller, createCaller, paymentOf } from '../support/caller.ts';
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts';
import { testDatabase } from '../support/database.ts';
import {
  type Gateway,
  PAYMENTS_TOPIC,
  eventIdOf,
  outcomesIn,
  paymentMessage,
  startGateway,
} from '../support/gateway.ts';
import { secretsIn } from '../support/secrets.ts';
import { type Service, startService } from '../support/service.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

const tenantId = randomUUID();
let collector: Collector;
let service: Service;
let database: Database;
let gateway: Gateway;
let subscriber: Subscriber;
let ann: Caller;
beforeAll(async () => {
  collector = await startCollector();
  service = await startService({
    consumer: true,
    settings: {
      LOG_LEVEL: 'debug',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=open sesame',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    },
  });
  database = testDatabase();
  gateway = await startGateway({ config: { KAFKA_BROKERS: (process.env['KAFKA_BROKERS'] ?? '').split(',') } });
  subscriber = await subscribe();
  ann = createCaller(service.url, tenantId);
});
afterAll(async () => {
  await subscriber?.stop();
  await gateway?.stop();
  await database?.$disconnect();
  await service?.stop();
  await collector?.stop();
});

/** A trace that somebody else began. */
function newTrace(): { traceId: string; spanId: string; traceparent: string } {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

const childOf = (parent: { spanId: string }, name: string): Promise<CollectedSpan> =>
  collector.span(`${name} below ${parent.spanId}`, (span) => span.parentSpanId === parent.spanId && span.name === name);

/** What happens below the span that sends a step, until Kafka; resolves with the event that the step recorded. */
async function untilKafka(sender: { spanId: string }, step: string, activityName: string, type: string) {
  const update = await childOf(sender, `update ${step}`);
  const activity = await childOf(update, `activity ${activityName}`);
  const transaction = await childOf(activity, `transaction invoice ${step}`);
  const event = await waitFor('the event', async () =>
    subscriber
      .firstOf(tenantId)
      .find((one) => one.headers['ce_traceparent'] === transaction.traceparent && one.type === type),
  );
  const sent = await collector.span(
    'what sent it',
    ({ name, links }) => name === 'send' && links.some(({ messageId }) => messageId === event.id),
  );
  expect(sent.links.find(({ messageId }) => messageId === event.id)?.traceparent).toBe(transaction.traceparent);
  const row = await database.outboxEvent.findUnique({ where: { id: event.id } });
  expect(JSON.parse(row?.headers ?? '')).toEqual(event.headers);
  return { update, activity, transaction, sent, event };
}

/** Lines of a part's log. */
const linesOf = (part: string): Record<string, unknown>[] =>
  readFileSync(path.join(process.env['TEST_DATA'] ?? '', 'logs', `${part}.log`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('a payment message: consumer, update, activity, transaction, outbox and relay are one picture', async () => {
  const { id } = await ann.finalized();
  const gatewaysTrace = newTrace();
  const message = paymentMessage(tenantId, id);
  message.headers['ce_traceparent'] = gatewaysTrace.traceparent;
  await gateway.send(message);
  await outcomesIn({ database }).untilPaid(tenantId, id);

  const consumer = await childOf(gatewaysTrace, `process ${PAYMENTS_TOPIC}`);
  const { update, activity, transaction, sent, event } = await untilKafka(
    consumer,
    'pay',
    'payInvoice',
    'billing.invoice.paid.v1',
  );
  expect([consumer, update, activity, transaction, sent].map(({ service: of }) => of)).toEqual([
    'billing-consumer',
    'billing-consumer',
    'billing-worker',
    'billing-worker',
    'billing-worker',
  ]);
  expect(new Set([consumer, update, activity, transaction].map(({ traceId }) => traceId))).toEqual(
    new Set([gatewaysTrace.traceId]),
  );
  const key = storedKey('event', '/gateway', eventIdOf(message));
  expect(transaction.attributes['billing.command_key']).toBe(key);
  expect(event.headers['ce_causationid']).toBe(key);
  expect(consumer.attributes).toMatchObject({
    'billing.outcome': 'handled',
    'messaging.message.id': eventIdOf(message),
  });
});

it('a request: the caller’s trace goes on, and the line of the log names trace and command', async () => {
  const { id } = await ann.finalized();
  const callersTrace = newTrace();
  const idempotencyKey = randomUUID();
  const headers = { traceparent: callersTrace.traceparent, 'Idempotency-Key': idempotencyKey };
  const reference = `Quitte-${randomUUID()}`;
  expect(await ann.pay(id, { reference }, { headers })).toMatchObject({ status: 200 });

  const request = await childOf(callersTrace, 'POST /v1/invoices/{id}/pay');
  expect(request).toMatchObject({ service: 'billing-api', failed: false });
  expect(request.attributes).toMatchObject({ 'http.response.status_code': 200, 'http.route': '/v1/invoices/{id}/pay' });
  await untilKafka(request, 'pay', 'payInvoice', 'billing.invoice.paid.v1');

  const line = await waitFor('the request’s line', async () =>
    linesOf('api').find(({ trace_id: of, msg }) => of === callersTrace.traceId && msg === 'request completed'),
  );
  expect(line).toMatchObject({ commandKey: restKey(tenantId, idempotencyKey) });
  // What callers send is in Postgres, and not where traces are kept.
  expect(JSON.stringify(collector.spans())).not.toContain(reference);
  expect(secretsIn(JSON.stringify(collector.spans()))).toEqual([]);
  expect(collector.headers()).toMatchObject({ 'x-collector-key': 'open sesame' });
});

it('a refusal is an answer: its span says so, and has not failed', async () => {
  const { id } = await ann.finalized();
  const callersTrace = newTrace();
  const refused = await ann.pay(id, { amount: '1.00' }, { headers: { traceparent: callersTrace.traceparent } });
  expect(refused).toMatchObject({ status: 422 });
  const request = await childOf(callersTrace, 'POST /v1/invoices/{id}/pay');
  const update = await childOf(request, 'update pay');
  const activity = await childOf(update, 'activity payInvoice');
  expect(activity).toMatchObject({ failed: false, attributes: { 'billing.refused': refused.body.code } });
  expect(update).toMatchObject({ failed: false, attributes: { 'billing.result': 'refused' } });
});

it('a step of a cashier needs no workflow: request and transaction', async () => {
  const callersTrace = newTrace();
  const created = await ann.request('POST', '/v1/cashiers', {
    body: { name: 'Ann', email: 'ann@example.org' },
    headers: { traceparent: callersTrace.traceparent },
  });
  expect(created).toMatchObject({ status: 201 });
  await childOf(await childOf(callersTrace, 'POST /v1/cashiers'), 'transaction cashier create');
});

it('what is no traceparent begins a trace of its own', async () => {
  const { id } = await ann.draft();
  expect(await ann.step(id, 'finalize', { headers: { traceparent: '00-zz-1' } })).toMatchObject({ status: 200 });
  const activity = await collector.span(
    'the finalize',
    ({ name, attributes }) =>
      name === 'activity finalizeInvoice' && String(attributes['billing.workflow_id']).endsWith(id),
  );
  expect(activity.parentSpanId).toBeDefined();
});

it('without the collector everything goes on, and the log says that spans are lost', async () => {
  await collector.stop();
  const { id } = await ann.finalized();
  expect(await ann.pay(id, paymentOf())).toMatchObject({ status: 200 });
  await waitFor('a line of the log', async () => linesOf('api').find(({ msg }) => String(msg).startsWith('traces: ')));
});
