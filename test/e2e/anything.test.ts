/**
 * Whatever is sent, at every entrance: arbitrary Unicode, numbers, JSON and bytes lead to an answer of the contract.
 * Never to an error of ours, a message that is kept as our own fault, or a caller who waits for ever. The shortest
 * input that fails is printed. What needs no server is tried far more often in test/pure.
 */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Caller, paymentOf } from '../support/caller.ts';
import { PAYMENTS_TOPIC, outcomesIn, paymentMessage } from '../support/gateway.ts';
import { atMost } from '../support/speed.ts';
import { staffOf, staffOfDeadLetter } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const REQUESTS = Number(process.env['ANYTHING_REQUESTS'] ?? 2_000);
const MESSAGES = Number(process.env['ANYTHING_MESSAGES'] ?? 400);
const UPDATES = Number(process.env['ANYTHING_UPDATES'] ?? 300);
const ANSWER_LIMIT_MS = atMost(30_000);

let system: System;
let ann: Caller;
/** One of each, so that what is tried gets past the first look. */
let draftId: string;
let finalizedId: string;
let cashierId: string;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  ann = system.caller();
  draftId = (await ann.draft()).id;
  finalizedId = (await ann.finalized()).id;
  const body = { name: 'Front desk', email: `${randomUUID()}@example.com` };
  cashierId = (await ann.request<{ id: string }>('POST', '/v1/cashiers', { body })).body.id;
});
afterAll(() => system?.stop());

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('\0', '\u200b', '\ud800', '\u2800', 'ı', '👍', '\n', '"', '\\', '%', '/') }),
);
const amount = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.bigInt().map(String),
  fc.constantFrom('1e2', '19.999999999999999'),
);
const value: fc.Arbitrary<unknown> = fc.oneof(text, amount, fc.jsonValue(), fc.constantFrom(null, true, '', {}, []));

/** Bodies that are right but for some members. */
const bodyLike = (right: object): fc.Arbitrary<unknown> =>
  fc
    .record({
      broken: fc.subarray(Object.keys(right), { minLength: 1 }),
      values: fc.array(value, { minLength: 9 }),
      more: fc.dictionary(text, value, { maxKeys: 1 }),
    })
    .map(({ broken, values, more }) =>
      Object.assign({}, right, Object.fromEntries(broken.map((member, index) => [member, values[index]])), more),
    );

/** A number as it may be written in JSON, which JavaScript would round or write in another way. */
const withNumbers = (json: string): fc.Arbitrary<string> =>
  fc
    .constantFrom('19.999999999999999', '1e2', '-0', '1E400', '0.1e-7', '123456789012345678901234567890', '1200.00')
    .map((digits) => json.replace(/:("[^"]*"|\d+)/, `:${digits}`));

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** As bytes: what a client library would not send. Rejects when nobody answers. */
const send = ({ method, path, headers, body }: Sent): Promise<number> =>
  new Promise((resolve, reject) => {
    const url = new URL(system.url);
    const options = {
      host: url.hostname,
      port: url.port,
      method,
      path,
      headers: { ...headers, 'Content-Length': body.length },
      timeout: ANSWER_LIMIT_MS,
    };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('timeout', () => sent.destroy(new Error(`No answer within ${ANSWER_LIMIT_MS} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });

/** An answer of the contract. 503 is one, but a server that is well does not need it twice. */
async function isAnswered(sent: Sent): Promise<void> {
  await waitFor('an answer other than 503', async () => {
    const status = await send(sent);
    if (status === 503) return undefined;
    expect(status).toBeLessThan(500);
    return true;
  });
}

const commands = () => [
  {
    method: 'POST',
    path: '/v1/invoices',
    right: {
      name: 'Hosting',
      amount: '1200.00',
      currency: 'EUR',
      customerReference: 'C-1',
      dueDate: '2030-01-31',
      cashierId,
    },
  },
  { method: 'PATCH', path: `/v1/invoices/${draftId}`, right: { name: 'Hosting', amount: '1200.00', currency: 'EUR' } },
  {
    method: 'POST',
    path: `/v1/invoices/${finalizedId}/pay`,
    right: { ...paymentOf(), receivedAt: '2026-01-31T00:00:00Z' },
  },
  { method: 'POST', path: `/v1/invoices/${draftId}/simulate-payment`, right: paymentOf() },
  { method: 'POST', path: '/v1/cashiers', right: { name: 'Front desk', email: 'desk@example.com' } },
  { method: 'PUT', path: `/v1/cashiers/${cashierId}/currencies/EUR`, right: { effectiveFrom: '2030-01-31' } },
  {
    method: 'POST',
    path: '/v1/billing-runs',
    right: { businessDate: '2020-01-31', market: 'DE', region: 'north', dryRun: true },
  },
  { method: 'POST', path: '/v1/dead-letters/replay', right: { filter: { reason: 'nothing' }, reason: 'It is a test' } },
  { method: 'POST', path: `/v1/dead-letters/${randomUUID()}/edit`, right: { reason: 'It is a test', payload: '{}' } },
];

const latin1Header = fc
  .string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) })
  .filter((header) => !header.includes('\x7f'));
const segment = fc.oneof(
  text.map(encodeLoosely),
  fc.constantFrom('%', '%timeout', '%ff', '..', '%00', '%2F', randomUUID()),
);

/** A path that any client could send: nothing that HTTP itself forbids. */
function encodeLoosely(part: string): string {
  return [...Buffer.from(part)]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f && !'#?%'.includes(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');
}

it('REST: any body, query, header and path is answered, and never with an error of ours', async () => {
  const headers = { 'Content-Type': 'application/json', 'X-Tenant-Id': ann.tenantId };
  const asBody = (command: { method: string; path: string; right: object }): fc.Arbitrary<Sent> => {
    const json = bodyLike(command.right).map((body) => JSON.stringify(body));
    const bytes = fc.oneof(
      json.map((one) => Buffer.from(one)),
      json.chain(withNumbers).map((one) => Buffer.from(one)),
      json.map((one) => Buffer.from(one).subarray(0, one.length / 2)),
      fc.uint8Array({ maxLength: 200 }).map((one) => Buffer.from(one)),
    );
    return bytes.map((body) => ({ method: command.method, path: command.path, headers, body }));
  };
  const nothing = Buffer.alloc(0);
  const asQuery = fc
    .record({
      list: fc.constantFrom('invoices', 'cashiers', 'dead-letters'),
      name: fc.oneof(
        fc.constantFrom('limit', 'cursor', 'status', 'currency', 'cashierId', 'number', 'dueBefore', 'reason', 'type'),
        segment,
      ),
      given: segment,
    })
    .map(({ list, name, given }): Sent => ({
      method: 'GET',
      path: `/v1/${list}?${name}=${given}`,
      headers,
      body: nothing,
    }));
  const asPath = fc
    .record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'),
      parts: fc.array(
        fc.oneof(
          segment,
          fc.constantFrom('invoices', 'cashiers', 'dead-letters', 'billing-runs', 'operations', 'currencies', 'pay'),
        ),
        { maxLength: 4 },
      ),
    })
    .map(({ method, parts }): Sent => ({ method, path: `/v1/${parts.join('/')}`, headers, body: nothing }));
  const asHeader = fc
    .record({
      name: fc.constantFrom(
        'Idempotency-Key',
        'If-Match',
        'X-Actor',
        'X-Tenant-Id',
        'Content-Type',
        'Content-Encoding',
        'Accept',
      ),
      given: latin1Header,
    })
    .map(({ name, given }): Sent => ({
      method: 'POST',
      path: `/v1/invoices/${finalizedId}/cancel`,
      headers: { ...headers, 'If-Match': '"99"', [name]: given },
      body: Buffer.from('{"reason": null}'),
    }));
  await fc.assert(fc.asyncProperty(fc.oneof(...commands().map(asBody), asQuery, asPath, asHeader), isAnswered), {
    numRuns: REQUESTS,
    interruptAfterTimeLimit: atMost(100_000),
  });
  expect((await ann.request('GET', `/v1/invoices/${draftId}`)).status).toBe(200);
});

it('Kafka: any record is handled, skipped or kept, never as our own fault, and the next payment is handled', async () => {
  const { config, database } = system;
  const { id } = await ann.finalized();
  const right = () => paymentMessage(ann.tenantId, id, { amount: '1.00' });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((one) => Buffer.from(one)),
    text.map((one) => Buffer.from(one)),
  );
  const binary = fc
    .record({
      broken: fc.dictionary(fc.constantFrom(...Object.keys(right().headers)), fc.oneof(bytes, text), { maxKeys: 3 }),
      data: fc.oneof(
        bodyLike(JSON.parse(right().value) as object).map((one) => Buffer.from(JSON.stringify(one))),
        bytes,
        fc.constant(null),
      ),
      key: fc.oneof(bytes, fc.constant(`${ann.tenantId}|${id}`), fc.constant(null)),
    })
    .map(({ broken, data, key }) => ({ key, value: data, headers: { ...right().headers, ...broken } }));
  const structured = bodyLike({
    specversion: '1.0',
    id: 'e-1',
    source: '/gateway',
    type: 'billing.payment.received.v1',
    tenantid: ann.tenantId,
    time: '2026-01-31T00:00:00Z',
    data: JSON.parse(right().value) as object,
  }).map((event) => ({
    key: `${ann.tenantId}|${id}`,
    value: Buffer.from(JSON.stringify(event)),
    headers: { 'content-type': 'application/cloudevents+json' },
  }));
  const kafka = new kafkajs.Kafka({ brokers: config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const since = new Date();
  const messages = fc.sample(fc.oneof(binary, structured), MESSAGES);
  await producer.send({ topic: PAYMENTS_TOPIC, messages });
  // On every partition, behind everything that was sent before: who is paid has waited for all of it.
  const admin = kafka.admin();
  await admin.connect();
  const partitions = await admin.fetchTopicOffsets(PAYMENTS_TOPIC);
  await admin.disconnect();
  const last = await Promise.all(partitions.map(() => ann.finalized()));
  await producer.send({
    topic: PAYMENTS_TOPIC,
    messages: last.map((invoice, index) => ({
      ...paymentMessage(ann.tenantId, invoice.id),
      partition: partitions[index]?.partition ?? 0,
    })),
  });
  await producer.disconnect();
  for (const invoice of last) await outcomesIn(system).untilPaid(ann.tenantId, invoice.id, 60_000);
  const ours = await database.deadLetter.findMany({
    where: { openedAt: { gte: since }, reason: { in: ['internal_error', 'no_answer'] } },
  });
  expect(
    ours.map(({ headers, value: payload, detail }) => ({
      headers,
      payload: Buffer.from(payload ?? []).toString(),
      detail,
    })),
  ).toEqual([]);
  expect(await outcomesIn(system).payments(ann.tenantId, id)).toBe(0);
});

it('updates from the Web UI: anything is refused or carried out, and the workflow goes on', async () => {
  const { client, namespace } = system.temporal;
  const draft = await ann.draft();
  const message = paymentMessage(ann.tenantId, draft.id);
  const deadLetterId = await storedDeadLetter(message);
  const ofInvoice = {
    actor: 'ann',
    body: { amountMinor: 120_000, currency: 'EUR', method: 'bank transfer', reference: 'B-1', receivedAt: null },
    expectedVersion: 99,
    identity: undefined,
  };
  const ofDeadLetter = { operator: 'ann', reason: 'It is a test', payload: '{}' };
  const toInvoice = fc.record({
    to: fc.constant(staffOf(client, namespace, ann.tenantId, draft.id)),
    name: fc.constantFrom('create', 'update', 'finalize', 'pay', 'abandon'),
    request: fc.oneof(
      value,
      bodyLike(ofInvoice),
      fc.record({ actor: text, body: bodyLike(ofInvoice.body), expectedVersion: fc.constant(99) }),
    ),
  });
  const toDeadLetter = fc.record({
    to: fc.constant(staffOfDeadLetter(client, namespace, deadLetterId)),
    name: fc.constantFrom('edit', 'withhold', 'abandon'),
    request: fc.oneof(value, bodyLike(ofDeadLetter)),
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(toInvoice, toDeadLetter), async ({ to, name, request: sent }) => {
      const refused: unknown = await to
        .update(name, JSON.parse(JSON.stringify(sent ?? null)))
        .catch((error: unknown) => error);
      if (!(refused instanceof Error)) return;
      expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
      const { cause } = refused as WorkflowUpdateFailedError;
      expect(cause).toBeInstanceOf(ApplicationFailure);
      expect((cause as ApplicationFailure).type).not.toBe('internal_error');
    }),
    { numRuns: UPDATES, interruptAfterTimeLimit: atMost(60_000) },
  );
  expect((await ann.step(draft.id, 'cancel')).status).toBe(200);
  const discarded = await staffOfDeadLetter(client, namespace, deadLetterId)
    .update('discard', { operator: 'ann', reason: 'It is a test' })
    .catch(String);
  expect(discarded).toMatchObject({ status: 'discarded' });
});

async function storedDeadLetter(message: ReturnType<typeof paymentMessage>): Promise<string> {
  const kafka = new kafkajs.Kafka({ brokers: system.config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic: PAYMENTS_TOPIC, messages: [message] });
  await producer.disconnect();
  return (await outcomesIn(system).untilStored(message)).id;
}
