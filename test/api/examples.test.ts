/**
 * Every operation of the OpenAPI document is asked with each of its examples, in the state that it needs, and succeeds.
 * What would break without it: an example that the service refuses. That every answer is as published is held by the
 * caller (test/support/caller.ts).
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newEncryptionKey } from '../../platform/codec.ts';
import { deadLetterActions } from '../../dead-letters/dead-letter.ts';
import type { Caller } from '../support/caller.ts';
import { manyDrafts } from '../support/drafts.ts';
import { type Gateway, outcomesIn, paymentMessage, startGateway } from '../support/gateway.ts';
import { publishedDocument } from '../support/published.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const TOPIC = 'test.billing.public.invoices.v1';
/** Above the broker's limit of 1 MiB. */
const TOO_LARGE = 'x'.repeat(1_200_000);

/** With the codec, which is there only where payloads are encrypted. */
const settings = { ENCRYPTION_KEYS: newEncryptionKey('plum-1'), TEMPORAL_NAMESPACE: `examples-${randomUUID()}` };

let system: System;
let gateway: Gateway;
/** An event that Kafka refuses, and whose it is. */
let refused: { tenantId: string; eventId: string };
beforeAll(async () => {
  // Versions of events are opened and closed, which is for all tenants of a database.
  Object.assign(settings, { DATABASE_URL: await makeOwnDatabase('examples') });
  const quiet = await startSystem(settings, { worker: false });
  refused = await refuseAnEvent(quiet);
  await quiet.stop();
  system = await startSystem(settings, { consumer: true });
  gateway = await startGateway(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

/** Makes an event that waits for Kafka too large for it. */
async function refuseAnEvent({ database }: System) {
  const tenantId = randomUUID();
  await manyDrafts(database, tenantId, 1, null);
  const { id, value } = await database.outboxEvent.findFirstOrThrow({ where: { tenantId, topic: TOPIC } });
  const data = JSON.parse(value) as { invoice: object };
  const large = JSON.stringify({ ...data, invoice: { ...data.invoice, name: TOO_LARGE } });
  await database.outboxEvent.update({ where: { id }, data: { value: large } });
  return { tenantId, eventId: id };
}

/** Who asks, and what stands in the path in place of its parameters. */
interface State {
  caller: Caller;
  path?: Record<string, string>;
}

const anybody = async (): Promise<State> => ({ caller: system.caller() });

/** With what a caller has made before. */
const having = (make: (caller: Caller) => Promise<Record<string, string>>, tenantId?: string) => async () => {
  const caller = system.caller(tenantId);
  return { caller, path: await make(caller) };
};
const aDraft = having(async (caller) => ({ id: (await caller.draft()).id }));
const aFinalized = having(async (caller) => ({ id: (await caller.finalized()).id }));

async function made(caller: Caller, path: string, body: object): Promise<{ id: string }> {
  const answer = await caller.request<{ id: string }>('POST', path, { body });
  expect(answer.status).toBeLessThan(300);
  return answer.body;
}
const aCashier = having((caller) => made(caller, '/v1/cashiers', { name: 'Kasse Ost', email: 'ost@example.com' }));
const aCurrency = having(async (caller) => ({
  id: (await made(caller, '/v1/cashiers', { name: 'Kasse Ost', email: 'ost@example.com' })).id,
  code: 'EUR',
}));
const anApiKey = having((caller) => made(caller, '/v1/api-keys', { name: 'shop', scopes: ['invoices:read'] }));
const aBillingRun = having(async (caller) => {
  await made(caller, '/v1/billing-runs', { businessDate: '2026-01-31' });
  return { businessDate: '2026-01-31' };
});
const aBatch = having((caller) =>
  made(caller, '/v1/dead-letters/discard', { filter: { reason: 'invoice_not_found' }, reason: 'none' }),
);
const anOperation = having(async ({ tenantId, draft }) => {
  await draft();
  return { attemptId: (await system.database.command.findFirstOrThrow({ where: { tenantId } })).attemptId };
});

/** A payment of a draft, which was refused; the draft is finalized by now. */
const aMessage = having(async (caller) => {
  const { id } = await caller.draft();
  const letter = await refusedPayment(caller.tenantId, id);
  await caller.step(id, 'finalize');
  return letter;
});
/** Of the tenant and the invoice that the payload of the example has. */
const edited = JSON.parse(deadLetterActions.edit.example.payload) as { tenantId: string; invoiceId: string };
const aMessageToEdit = having(() => refusedPayment(edited.tenantId, edited.invoiceId), edited.tenantId);

async function refusedPayment(tenantId: string, invoiceId: string): Promise<{ id: string }> {
  const message = paymentMessage(tenantId, invoiceId);
  await gateway.send(message);
  const { id } = await outcomesIn(system).untilStored(message);
  return { id };
}

async function anEvent(): Promise<State> {
  const { id } = await waitFor('the dead letter of an event', async () => {
    const letter = await system.database.deadLetter.findUnique({ where: { outboxEventId: refused.eventId } });
    return letter?.workflowStartedAt ? letter : undefined;
  });
  return { caller: system.caller(refused.tenantId), path: { id } };
}

const [V1, V2] = [TOPIC, TOPIC.replace(/1$/, '2')] as const;
const aLaterVersion = having(async () => ({ topic: V2 }));
const aReplacedVersion = having(async (caller) => {
  await made(caller, `/v1/event-versions/${V2}/open`, { reason: 'an example' });
  await waitFor('everything', async () => {
    const { body } = await caller.request<{ filledAt: string | null }>('GET', `/v1/event-versions/${V2}`);
    return body.filledAt;
  });
  return { topic: V1 };
});
/** Whose events said for long enough that it ends, and that nobody was seen to read. */
const anUnreadVersion = having(async (caller) => {
  await made(caller, `/v1/event-versions/${V1}/deprecate`, { reason: 'an example', sunset: '2026-01-31' });
  await system.database.eventVersionReader.deleteMany();
  await system.database.eventVersionLook.deleteMany();
  await system.database.eventVersionLook.create({
    data: { topic: V1, firstLookedAt: new Date(0), lookedAt: new Date() },
  });
  return { topic: V1 };
});

const OWNER = randomUUID();
const EVENT_ID = '0b5f6a3e-8f0f-7d8e-9f0c-4f6d2a1b7c3d';
const A_REPLAY = { from: { time: '2026-01-31T00:00:00Z' }, reason: 'an example' };
/** The subscriber of the examples has one replay at a time, which may begin with an event of this id. */
const aSubscriber = having(async (caller) => {
  const { database } = system;
  await caller.draft();
  await waitFor(
    'its replays to have ended',
    async () => (await database.eventReplay.count({ where: { endedAt: null } })) === 0,
  );
  const { id } = await database.outboxEvent.findFirstOrThrow({ where: { tenantId: OWNER } });
  const known = await database.outboxEvent.findUnique({ where: { id: EVENT_ID } });
  if (!known) await database.outboxEvent.update({ where: { id }, data: { id: EVENT_ID } });
  return {};
}, OWNER);
/** Slow enough that it is still under way. */
const aReplay = having(async (caller) => {
  for (let n = 0; n < 20; n += 1) await caller.draft();
  const { id } = await made(caller, '/v1/event-replays', { ...A_REPLAY, subscriber: `copy-${randomUUID()}`, rate: 1 });
  return { id };
});
const aPausedReplay = async () => {
  const state = await aReplay();
  await made(state.caller, `/v1/event-replays/${state.path['id']}/pause`, { reason: 'an example' });
  return state;
};

const states: Readonly<Record<string, () => Promise<State>>> = {
  createInvoice: anybody,
  createInvoices: anybody,
  listInvoices: aDraft,
  getInvoice: aDraft,
  getInvoiceHistory: aDraft,
  updateInvoice: aDraft,
  finalizeInvoice: aDraft,
  payInvoice: aFinalized,
  cancelInvoice: aFinalized,
  simulatePayment: aFinalized,
  createCashier: anybody,
  listCashiers: aCashier,
  getCashier: aCashier,
  updateCashier: aCashier,
  deleteCashier: aCashier,
  listAcceptedCurrencies: aCashier,
  listCashierPayments: aCashier,
  acceptCurrency: aCurrency,
  dropCurrency: aCurrency,
  startBillingRun: anybody,
  getBillingRun: aBillingRun,
  listDeadLetters: aMessage,
  getDeadLetter: aMessage,
  replayDeadLetter: aMessage,
  discardDeadLetter: aMessage,
  editDeadLetter: aMessageToEdit,
  withholdDeadLetter: anEvent,
  replayDeadLetters: aMessage,
  discardDeadLetters: aMessage,
  getDeadLetterBatch: aBatch,
  getOperation: anOperation,
  listEventVersions: anybody,
  getEventVersion: aLaterVersion,
  openEventVersion: aLaterVersion,
  deprecateEventVersion: aReplacedVersion,
  closeEventVersion: anUnreadVersion,
  listEvents: aDraft,
  startEventReplay: aSubscriber,
  listEventReplays: aReplay,
  getEventReplay: aReplay,
  pauseEventReplay: aReplay,
  resumeEventReplay: aPausedReplay,
  stopEventReplay: aReplay,
  listDeprecations: anybody,
  makeApiKey: anybody,
  listApiKeys: anApiKey,
  revokeApiKey: anApiKey,
  rotateApiKey: anApiKey,
  getTenantLimits: anybody,
  setTenantLimits: anybody,
  encodePayloads: anybody,
  decodePayloads: anybody,
  getLiveness: anybody,
  getReadiness: anybody,
};

const operations = Object.entries(publishedDocument().paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId, requestBody, responses }]) => ({
    path,
    method: method.toUpperCase(),
    operationId,
    examples: Object.entries(requestBody?.content['application/json']?.examples ?? {}),
    declared: Object.keys(responses).map(Number),
  })),
);
const asked = operations.flatMap(({ examples, ...operation }) =>
  examples.length === 0
    ? [{ ...operation, name: 'nothing', sent: {} }]
    : examples.map(([name, { value }]) => ({ ...operation, name, sent: { body: value } })),
);

it('each operation of the document has a state in which it is asked', () => {
  expect(Object.keys(states).toSorted()).toEqual(operations.map(({ operationId }) => operationId).toSorted());
});

it.each(asked)(
  '$operationId succeeds with the example "$name"',
  async ({ operationId, method, path, declared, sent }) => {
    const { caller, path: parameters = {} } = (await states[operationId]?.()) ?? (await anybody());
    const place = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
    const { status, body } = await caller.request(method, place, sent);
    expect({ status, body }).toMatchObject({ status: expect.toBeOneOf([200, 201, 202, 204]) as number });
    expect(declared).toContain(status);
  },
);

it('each row of the example of many invoices is drafted, and finalized', async () => {
  const { sent } = asked.find(({ operationId }) => operationId === 'createInvoices') ?? {};
  const { body } = await system.caller().request<{ items: object[] }>('POST', '/v1/invoices/batch', sent);
  const row = { status: 201, problem: null, invoice: { status: 'finalized' } };
  expect(body.items).toMatchObject([row, row]);
});
