/** Dead letters over REST: whose they are, and how they are found. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WireDeadLetterSummary } from '../../dead-letters/schemas.ts';
import type { Caller } from '../support/caller.ts';
import {
  type Gateway,
  type Message,
  PAYMENTS_TOPIC,
  outcomesIn,
  paymentMessage,
  startGateway,
} from '../support/gateway.ts';
import { decide, deadLetterOf } from '../support/dead-letters.ts';
import { type System, startSystem } from '../support/system.ts';

let system: System;
let gateway: Gateway;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  gateway = await startGateway(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

/** Sends a payment and waits until it was refused. */
async function refused(message: Message) {
  await gateway.send(message);
  return outcomesIn(system).untilStored(message);
}

it('TEN-02: another tenant’s dead letters cannot be seen or decided, and those of no tenant by nobody', async () => {
  const ann = system.caller();
  const bob = system.caller();
  const { id: invoiceId } = await ann.draft();
  const own = await refused(paymentMessage(ann.tenantId, invoiceId));
  // Bob names Ann's invoice: it is not his, so there is no such invoice.
  const claim = await refused(paymentMessage(bob.tenantId, (await ann.finalized()).id));
  expect(claim).toMatchObject({ tenantId: bob.tenantId, reason: 'invoice_not_found' });
  // Under Bob's key, Ann's tenant: nobody's.
  const forged = await refused({ ...paymentMessage(ann.tenantId, invoiceId), key: `${bob.tenantId}|${invoiceId}` });
  const asks: [Caller, string][] = [
    [bob, own.id],
    [ann, claim.id],
    [ann, forged.id],
    [bob, forged.id],
    [ann, randomUUID()],
    [ann, 'no-id'],
  ];
  for (const [caller, id] of asks) {
    const path = `/v1/dead-letters/${id}`;
    const notFound = { status: 404, body: { code: 'dead_letter_not_found', detail: `There is no dead letter ${id}.` } };
    expect(await caller.request('GET', path)).toMatchObject(notFound);
    expect(await decide(caller, id, 'discard')).toMatchObject(notFound);
    expect(await decide(caller, id, 'replay')).toMatchObject(notFound);
  }
  const listed = await bob.request<{ items: WireDeadLetterSummary[] }>('GET', '/v1/dead-letters');
  expect(listed.body.items.map(({ id }) => id)).toEqual([claim.id]);
  expect(await deadLetterOf(ann, own.id)).toMatchObject({ status: 'open', attempts: 1 });
});

it('dead letters are listed newest first, by page, and filtered; what is asked wrongly is refused', async () => {
  const ann = system.caller();
  const deadLetters = [];
  for (let n = 0; n < 3; n += 1) deadLetters.push(await refused(paymentMessage(ann.tenantId, randomUUID())));
  deadLetters.push(await refused(paymentMessage(ann.tenantId, (await ann.draft()).id)));
  const list = async (query: string) => {
    const { status, body } = await ann.request<{ items: WireDeadLetterSummary[]; nextCursor: string | null }>(
      'GET',
      `/v1/dead-letters?${query}`,
    );
    expect(status).toBe(200);
    return { ids: body.items.map(({ id }) => id), nextCursor: body.nextCursor };
  };
  const newestFirst = deadLetters.map(({ id }) => id).toReversed();
  const first = await list('limit=3');
  expect(first.ids).toEqual(newestFirst.slice(0, 3));
  expect(await list(`limit=3&cursor=${first.nextCursor}`)).toEqual({ ids: newestFirst.slice(3), nextCursor: null });
  await decide(ann, newestFirst[0] ?? '', 'discard');
  expect((await list('status=resolved')).ids).toEqual(newestFirst.slice(0, 1));
  expect((await list('status=open')).ids).toEqual(newestFirst.slice(1));
  expect((await list('reason=transition_not_allowed')).ids).toEqual(newestFirst.slice(0, 1));
  expect((await list(`topic=${PAYMENTS_TOPIC}&type=billing.payment.received.v1`)).ids).toEqual(newestFirst);
  expect((await list('type=another')).ids).toEqual([]);
  for (const query of ['status=closed', 'limit=0', 'cursor=x', 'tenantId=1'])
    expect((await ann.request('GET', `/v1/dead-letters?${query}`)).status).toBe(422);
  for (const body of [{}, { reason: '' }, { reason: 'x', operator: 'y' }])
    expect((await ann.request('POST', `/v1/dead-letters/${newestFirst[1]}/replay`, { body })).status).toBe(422);
});
