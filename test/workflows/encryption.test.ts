/** The whole service with encryption: it works as without, and Temporal has nothing that can be read. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newEncryptionKey } from '../../platform/codec.ts';
import { connectTemporal } from '../../platform/temporal.ts';
import { CODEC } from '../../api/routes/codec.ts';
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { type Caller, paymentOf } from '../support/caller.ts';
import { staffAt } from '../support/staff.ts';
import { type System, startSystem, testConfig } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

/** Words that stand in what is sent, and nowhere else. */
const SECRET = `Zwetschge-${randomUUID()}`;
const UI = 'http://127.0.0.1:8233';
const namespace = `encrypted-${randomUUID()}`;
const [old, fresh] = [newEncryptionKey('plum-1'), newEncryptionKey('plum-2')];

let system: System;
let ann: Caller;
const started = (ENCRYPTION_KEYS: string) =>
  startSystem({ TEMPORAL_NAMESPACE: namespace, ENCRYPTION_KEYS, CODEC_ORIGINS: UI });
beforeAll(async () => {
  system = await started(old);
  ann = system.caller();
});
afterAll(() => system?.stop());

/** As anybody sees it who has no key. */
async function plainly<T>(look: (temporal: Awaited<ReturnType<typeof connectTemporal>>) => Promise<T>): Promise<T> {
  const temporal = await connectTemporal(await testConfig({ TEMPORAL_NAMESPACE: namespace }));
  try {
    return await look(temporal);
  } finally {
    await temporal.connection.close();
  }
}

/** Every text and all bytes in a history, and below it. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, member]) => `${name}: ${textOf(member)}`)
      .join('\n');
  return String(value);
}

it('ACC-05: a life of an invoice, a refusal and a page leave nothing that can be read', async () => {
  const { id } = await ann.draft({ name: SECRET, customerReference: null });
  await ann.step(id, 'finalize');
  const refused = await ann.pay(id, { amount: '1.00', method: SECRET });
  expect(refused).toMatchObject({ status: 422 });
  const workflowId = invoiceWorkflowId(ann.tenantId, id);
  const staff = staffAt(system.temporal.client, namespace, workflowId);
  expect(await staff.details()).toContain('1200.00');

  const history = await plainly(({ client }) => client.workflow.getHandle(workflowId).fetchHistory());
  const text = textOf(history);
  expect(text).toContain('binary/encrypted');
  expect(text).not.toContain(SECRET);
  // Not the words of a refusal either.
  expect(refused.body.detail.length).toBeGreaterThan(10);
  expect(text).not.toContain(refused.body.detail);
});

it('ACC-05: a key takes another’s place while invoices are open, and both are read', async () => {
  const { id } = await ann.finalized({ name: SECRET });
  await system.stop();
  system = await started(`${fresh},${old}`);
  ann = system.caller(ann.tenantId);
  expect(await ann.pay(id, paymentOf())).toMatchObject({ status: 200 });
  const history = textOf(
    await plainly(({ client }) => client.workflow.getHandle(invoiceWorkflowId(ann.tenantId, id)).fetchHistory()),
  );
  for (const key of ['plum-1', 'plum-2']) expect(history).toContain(key);
  expect(history).not.toContain(SECRET);
});

it('what was open before there was a key goes on', async () => {
  const plain = await startSystem({ TEMPORAL_NAMESPACE: `plain-${namespace}` });
  const bob = plain.caller();
  const { id } = await bob.finalized({ name: SECRET });
  await plain.stop();
  const later = await startSystem({ TEMPORAL_NAMESPACE: `plain-${namespace}`, ENCRYPTION_KEYS: old });
  expect(await later.caller(bob.tenantId).pay(id, paymentOf())).toMatchObject({ status: 200 });
  await later.stop();
});

it('the Web UI of an origin that is named has payloads decrypted, and no other page has', async () => {
  const { id } = await ann.draft({ name: SECRET });
  const workflowId = invoiceWorkflowId(ann.tenantId, id);
  const { events } = await plainly(({ client }) => client.workflow.getHandle(workflowId).fetchHistory());
  const accepted = await waitFor('the update', async () =>
    events?.find(({ workflowExecutionUpdateAcceptedEventAttributes: attributes }) => attributes),
  );
  const input = accepted.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.args?.payloads ?? [];
  const payloads = input.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  }));
  const ask = (origin: string, method = 'POST') =>
    fetch(`${system.url}${CODEC}/decode`, {
      method,
      headers: {
        Origin: origin,
        'X-Namespace': namespace,
        ...(method === 'POST'
          ? { 'Content-Type': 'application/json' }
          : { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,x-namespace' }),
      },
      ...(method === 'POST' ? { body: JSON.stringify({ payloads }) } : {}),
    });
  const answer = await ask(UI);
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(UI);
  const decoded = (await answer.json()) as { payloads: { data: string }[] };
  expect(decoded.payloads.map(({ data }) => Buffer.from(data, 'base64').toString()).join()).toContain(SECRET);
  const first = await ask(UI, 'OPTIONS');
  expect(first.headers.get('Access-Control-Allow-Headers')).toContain('x-namespace');
  for (const method of ['POST', 'OPTIONS'])
    expect((await ask('https://elsewhere.example', method)).headers.get('Access-Control-Allow-Origin')).toBeNull();
});
