/** The same decision about many dead letters, over REST. */
import { deadLetterBatchWorkflowId } from '../../workflows/contract/dead-letter-batch.ts';
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireDeadLetterBatch } from '../../dead-letters/schemas.ts';
import type { Caller, Problem } from '../support/caller.ts';
import { PAYMENTS_TOPIC, paymentMessage } from '../support/gateway.ts';
import { deadLetterOf } from '../support/dead-letters.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.stop());

/** Keeps a payment for each invoice as a message that was refused, as the consumer would. */
async function keep(ann: Caller, invoices: readonly string[], reason: string): Promise<string[]> {
  const rows = invoices.map((invoiceId) => {
    const { key, value, headers } = paymentMessage(ann.tenantId, invoiceId);
    const place = { topic: PAYMENTS_TOPIC, partition: 0, offset: 1_000_000n };
    const message = { key: Buffer.from(key), value: Buffer.from(value), headers: JSON.stringify(headers) };
    const type = 'billing.payment.received.v1';
    const openedAt = new Date();
    return { id: uuidv7(), tenantId: ann.tenantId, type, reason, detail: 'refused', ...place, ...message, openedAt };
  });
  await system.database.deadLetter.createMany({ data: rows });
  return rows.map(({ id }) => id);
}

const group = (caller: Caller, action: string, body: unknown, key: string = randomUUID()) =>
  caller.request<WireDeadLetterBatch & Problem>('POST', `/v1/dead-letters/${action}`, {
    body,
    headers: { 'Idempotency-Key': key },
  });
const batchAt = async (caller: Caller, path: string) => caller.request<WireDeadLetterBatch & Problem>('GET', path);

it('PAY-04: a group is replayed at a bounded pace: what can be settled is, the rest says why, others are left alone', async () => {
  const ann = system.caller();
  const bob = system.caller();
  const finalized: string[] = [];
  for (let n = 0; n < 12; n += 1) finalized.push((await ann.finalized()).id);
  const mended = await keep(ann, finalized, 'transition_not_allowed');
  const [draft = ''] = await keep(ann, [(await ann.draft()).id], 'transition_not_allowed');
  const [other = ''] = await keep(ann, [(await ann.finalized()).id], 'currency_mismatch');
  const [ofBob = ''] = await keep(bob, [(await bob.finalized()).id], 'transition_not_allowed');
  const body = { filter: { reason: 'transition_not_allowed' }, reason: 'They are finalized now' };
  const key = randomUUID();
  const startedAt = Date.now();
  const asked = await group(ann, 'replay', body, key);
  expect(asked).toMatchObject({ status: 202, body: { verb: 'replay', total: 13, operator: 'ann' } });
  const location = asked.headers.get('Location') ?? '';
  expect(await group(ann, 'replay', body, key)).toMatchObject({ status: 202, body: { id: asked.body.id, total: 13 } });
  expect(await group(ann, 'discard', body, key)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  });
  const ended = await waitFor('the end', async () => {
    const read = await batchAt(ann, location);
    return read.body.status === 'completed' && read.body;
  });
  // Ten a second at most.
  expect(Date.now() - startedAt).toBeGreaterThan(1_200);
  expect(ended).toMatchObject({ total: 13, done: 12, refused: 1, unknown: 0, left: 0 });
  expect(ended.notDone).toMatchObject([{ deadLetterId: draft, outcome: 'refused' }]);
  for (const id of mended)
    expect(await deadLetterOf(ann, id)).toMatchObject({ resolution: 'replayed', resolvedBy: 'ann', attempts: 2 });
  expect(await deadLetterOf(ann, draft)).toMatchObject({ status: 'open', attempts: 2 });
  expect(await deadLetterOf(ann, other)).toMatchObject({ status: 'open', attempts: 1 });
  expect(await deadLetterOf(bob, ofBob)).toMatchObject({ status: 'open', attempts: 1 });
  expect((await batchAt(bob, location)).status).toBe(404);
  const entries = await system.database.auditEntry.count({
    where: { tenantId: ann.tenantId, entityType: 'dead_letter', action: 'replay', reason: body.reason },
  });
  expect(entries).toBe(13);
  const workflow = system.temporal.client.workflow.getHandle(deadLetterBatchWorkflowId(asked.body.id));
  expect(await workflow.result()).toMatchObject({ total: 13, done: 12, left: 0 });
});

const DEAD_LETTERS = 60;

const comingBack: Record<string, (batchId: string, askAgain: () => Promise<unknown>) => Promise<unknown>> = {
  'when it is asked for again': (_batchId, askAgain) => askAgain(),
  // As if its turn had come.
  'by itself': (id) =>
    system.database.deadLetterBatch.update({ where: { id }, data: { workflowStartedAt: new Date(0) } }),
};

it.each(Object.entries(comingBack))(
  'PAY-04: terminated by staff, a batch goes on %s, and decides nothing twice',
  async (_name, comeBack) => {
    const ann = system.caller();
    // More than the piece of work that is under way: it goes on when the workflow is gone.
    const deadLetters = await keep(
      ann,
      Array.from({ length: DEAD_LETTERS }, () => randomUUID()),
      'invoice_not_found',
    );
    const body = { filter: { type: 'billing.payment.received.v1' }, reason: 'They are tests' };
    const key = randomUUID();
    const { body: batch } = await group(ann, 'discard', body, key);
    await waitFor('some of it', async () => (await batchAt(ann, `/v1/dead-letter-batches/${batch.id}`)).body.done > 2);
    await system.temporal.client.workflow.getHandle(deadLetterBatchWorkflowId(batch.id)).terminate('by a test');
    await comeBack(batch.id, () => group(ann, 'discard', body, key));
    const ended = await waitFor('the end', async () => {
      const read = await batchAt(ann, `/v1/dead-letter-batches/${batch.id}`);
      return read.body.status === 'completed' && read.body;
    });
    expect(ended).toMatchObject({ total: DEAD_LETTERS, done: DEAD_LETTERS, refused: 0, left: 0 });
    const entries = await system.database.auditEntry.findMany({
      where: { tenantId: ann.tenantId, entityType: 'dead_letter', action: 'discard' },
    });
    expect(entries.map(({ entityId }) => entityId).toSorted()).toEqual(deadLetters.toSorted());
  },
);

it('a group without a filter, or with another member, is refused; one that names nothing ends at once', async () => {
  const ann = system.caller();
  for (const body of [
    {},
    { filter: {}, reason: 'x' },
    { filter: { reason: 'x' } },
    { filter: { id: 'x' }, reason: 'x' },
  ])
    expect(await group(ann, 'replay', body)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  const { body: batch } = await group(ann, 'replay', { filter: { topic: 'none' }, reason: 'x' });
  const ended = await waitFor('the end', async () => {
    const read = await batchAt(ann, `/v1/dead-letter-batches/${batch.id}`);
    return read.body.status === 'completed' && read.body;
  });
  expect(ended).toMatchObject({ total: 0, notDone: [] });
  expect((await batchAt(ann, `/v1/dead-letter-batches/${randomUUID()}`)).status).toBe(404);
});
