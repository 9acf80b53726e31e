/** PAY-04: a message whose payload is wrong is edited by a person, and handed in again. */
import type { DecisionAnswer } from '../../workflows/contract/dead-letter.ts';
import { EVENT_BYTES_MAX } from '../../messaging/event-sink.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Caller } from '../support/caller.ts';
import { type Gateway, type Message, outcomesIn, paymentMessage, startGateway } from '../support/gateway.ts';
import { decide, edit, deadLetterOf } from '../support/dead-letters.ts';
import { staffOfDeadLetter } from '../support/staff.ts';
import { type System, startSystem } from '../support/system.ts';

let system: System;
let gateway: Gateway;
let outcomes: ReturnType<typeof outcomesIn>;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  gateway = await startGateway(system);
  outcomes = outcomesIn(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

const staff = (id: string) => staffOfDeadLetter(system.temporal.client, system.temporal.namespace, id);
const withAmount = ({ value }: Message, amount: string) => JSON.stringify({ ...JSON.parse(value), amount });

/** A payment with the wrong amount, refused. */
async function refused(ann: Caller) {
  const { id: invoiceId } = await ann.finalized();
  const message = paymentMessage(ann.tenantId, invoiceId, { amount: '12.00' });
  await gateway.send(message);
  const { id } = await outcomes.untilStored(message);
  return { id, invoiceId, message };
}

const ways = {
  'over REST': async (ann: Caller, id: string, payload: string) => {
    expect(await edit(ann, id, payload)).toMatchObject({
      status: 200,
      body: { status: 'open', reason: 'payment_below_amount', attempts: 1, editedPayload: payload },
    });
    return (await decide(ann, id, 'replay')).body.resolution;
  },
  'in the Web UI': async (_ann: Caller, id: string, payload: string) => {
    const request = { operator: 'ann', reason: 'mended' };
    const edited = (await staff(id).update('edit', { ...request, payload })) as DecisionAnswer;
    expect(edited).toMatchObject({ status: 'open', reason: 'payment_below_amount' });
    expect(await staff(id).details()).toContain(payload.slice(0, 1_000));
    return ((await staff(id).update('replay', request)) as DecisionAnswer).status;
  },
};

it.each(Object.entries(ways))(
  'PAY-04: %s: edited, a payment is handed in as edited; as it came, it is kept, in the audit trail too',
  async (_name, mend) => {
    const ann = system.caller();
    const { id, invoiceId, message } = await refused(ann);
    const payload = withAmount(message, '1200.00');
    expect(await mend(ann, id, payload)).toBe('replayed');
    await outcomes.untilPaid(ann.tenantId, invoiceId);
    expect(await deadLetterOf(ann, id)).toMatchObject({ payload: message.value, editedPayload: payload, attempts: 2 });
    const [entry] = await system.database.auditEntry.findMany({
      where: { entityType: 'dead_letter', entityId: id },
      orderBy: { sequence: 'asc' },
    });
    expect(entry).toMatchObject({ action: 'edit', actor: 'ann', status: 'open', reason: 'mended' });
    expect(JSON.parse(entry?.body ?? '')).toMatchObject({ replacedPayload: message.value });

    // Delivered again as it came, it is still the same message: it belongs to the person who has decided it.
    const behind = await ann.finalized();
    await gateway.send(message, { ...paymentMessage(ann.tenantId, behind.id), key: message.key });
    await outcomes.untilPaid(ann.tenantId, behind.id);
    expect(await outcomes.deadLetters(ann.tenantId)).toBe(1);
    expect(await outcomes.payments(ann.tenantId, invoiceId)).toBe(1);
  },
);

it('PAY-04: what an edit cannot make right stays refused, and the tenant cannot be edited away', async () => {
  const ann = system.caller();
  const bob = system.caller();
  const { id, message } = await refused(ann);
  expect(await edit(ann, id, 'no JSON')).toMatchObject({ status: 422, body: { code: 'payload_refused' } });
  expect(await edit(bob, id, message.value)).toMatchObject({ status: 404 });
  expect((await edit(ann, id, '')).status).toBe(422);
  const forBob = paymentMessage(bob.tenantId, (await bob.finalized()).id);
  expect(await edit(ann, id, forBob.value)).toMatchObject({
    status: 422,
    body: { code: 'payload_refused', detail: expect.stringContaining('tenant_mismatch') },
  });
  expect(await decide(ann, id, 'withhold')).toMatchObject({
    status: 409,
    body: { code: 'decision_refused', detail: expect.stringContaining('discard') },
  });
  for (const request of [{}, { payload: 7 }, { payload: '' }, { payload: '{}', force: true }])
    await expect(staff(id).update('edit', { operator: 'ann', reason: 'x', ...request })).rejects.toThrow(
      'Update failed',
    );
  expect(await deadLetterOf(ann, id)).toMatchObject({ status: 'open', attempts: 1, editedPayload: null });
});

it('PAY-04: an edit that could only be refused again is refused at once, over REST and in the Web UI', async () => {
  const ann = system.caller();
  const { id, message } = await refused(ann);
  const data = JSON.parse(message.value) as Record<string, unknown>;
  const payloads: [string, unknown][] = [
    ['amount', {}],
    ['paymentReference', { ...data, paymentReference: undefined }],
    ['currency', { ...data, currency: 'EURO' }],
    ['amount', { ...data, amount: '12.345' }],
  ];
  for (const [member, payload] of payloads) {
    const text = JSON.stringify(payload);
    const answer = await edit(ann, id, text);
    expect(answer).toMatchObject({ status: 422, body: { code: 'payload_refused' } });
    expect(answer.body.detail).toMatch(new RegExp(`^It would be refused again, with invalid_data: .*${member}`));
    const request = { operator: 'ann', reason: 'x', payload: text };
    await expect(staff(id).update('edit', request)).rejects.toThrow('Update failed');
  }
  expect(await deadLetterOf(ann, id)).toMatchObject({ editedPayload: null, decisions: [] });
});

it.each(Object.entries(ways))(
  'PAY-04: %s: a payload may be as large as an event, with whatever must be escaped in it, and no larger',
  async (_name, mend) => {
    const ann = system.caller();
    const { id, invoiceId, message } = await refused(ann);
    const data = { ...JSON.parse(message.value), amount: '1200.00' };
    const room = EVENT_BYTES_MAX - Buffer.byteLength(JSON.stringify({ ...data, note: '' }));
    // Each is two bytes of the payload, and four where the payload is a JSON text.
    const largest = JSON.stringify({ ...data, note: '"'.repeat(room / 2) + 'x'.repeat(room % 2) });
    expect(Buffer.byteLength(largest)).toBe(EVENT_BYTES_MAX);
    const tooLarge = await edit(ann, id, `${largest} `);
    expect(tooLarge.status).toBe(422);
    const manyBytes = await edit(ann, id, JSON.stringify({ ...data, note: '\u{1F44D}'.repeat(EVENT_BYTES_MAX / 4) }));
    expect(manyBytes).toMatchObject({ status: 422, body: { code: 'payload_refused' } });
    expect(manyBytes.body.detail).toContain('at most');
    expect((await edit(ann, id, 'x'.repeat(6_000_000))).status).toBe(413);
    expect(await mend(ann, id, largest)).toBe('replayed');
    await outcomes.untilPaid(ann.tenantId, invoiceId);
  },
);
