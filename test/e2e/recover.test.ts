/**
 * The drill for a Postgres that was restored from a backup, while Kafka and its subscribers are ahead: what was lost
 * comes back from the events, no sequence and no number is given twice, and what nobody can know is told.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newAttemptId } from '../../commands/key.ts';
import { carryOut } from '../../commands/transaction.ts';
import { commandOf } from '../../invoices/commands.ts';
import type { Action, StepCommand } from '../../invoices/lifecycle.ts';
import { ownTopics } from '../../messaging/cloud-event.ts';
import { type Database, createDatabase } from '../../platform/database.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { type Caller, paymentOf } from '../support/caller.ts';
import { testDatabase, testLimits } from '../support/database.ts';
import { paymentMessage, startGateway, type Gateway } from '../support/gateway.ts';
import { makeOwnDatabase, servers } from '../support/servers.ts';
import { type Subscriber, sequencesByStream, subscribe } from '../support/subscriber.ts';
import { type System, startSystem } from '../support/system.ts';
import { foundIn, untilSound, verifyTenants } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

/** Topics of its own: what other tests send is no loss of this service. */
const ENVIRONMENT = 'drill';
const NAMESPACE = 'recover';
/** Steps after the backup. */
const LOST = Number(process.env['RECOVER_STEPS'] ?? 500);

const tenantId = randomUUID();
let url: string;
let subscriber: Subscriber;
let gateway: Gateway;

const settings = () => ({ DATABASE_URL: url, NODE_ENV: ENVIRONMENT, TEMPORAL_NAMESPACE: NAMESPACE });
const start = () => startSystem(settings(), { consumer: true });

beforeAll(async () => {
  url = await makeOwnDatabase('recover');
  const first = await start();
  subscriber = await subscribe(ownTopics(catalogue, ENVIRONMENT));
  gateway = await startGateway(first);
  await first.stop();
});
afterAll(async () => {
  await gateway?.stop();
  await subscriber?.stop();
});

const urlOf = (name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;

/** A copy of the database, as a backup would have it; nobody may be connected to it. */
async function backup(name: string): Promise<string> {
  const admin = testDatabase({ url: urlOf('postgres') });
  const source = new URL(url).pathname.slice(1);
  await waitFor('the copy', async () => {
    await admin.$executeRawUnsafe(`CREATE DATABASE "${name}" TEMPLATE "${source}"`);
    return true;
  });
  await admin.$disconnect();
  return urlOf(name);
}

/** As `npm run recover` does. */
async function recover(...options: string[]): Promise<{ code: number; said: string }> {
  const program = path.join(process.env['TEST_DIST'] ?? '', 'bin', 'recover.js');
  const env = { ...process.env, AUTH: 'demo', ...settings() };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...options], { env });
    return { code: 0, said: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: `${stdout}${stderr}` };
  }
}

const published = (system: System) =>
  waitFor('publishing', async () => (await system.database.outboxEvent.count({ where: { publishedAt: null } })) === 0);

/**
 * Everything that must come back, as text without what is made anew. When overdue was told, no event says: it comes back
 * as the time of the commit.
 */
async function booksOf(database: Database) {
  const bare = (rows: readonly object[], ...without: string[]) =>
    rows
      .map((row) =>
        JSON.stringify(
          Object.fromEntries(Object.entries(row).filter(([name]) => !without.includes(name))),
          (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
        ).replaceAll(/\\?"overdueToldAt\\?":\\?"[^"]*"/g, ''),
      )
      .toSorted();
  const hashes = ['auditHash', 'auditSequence'];
  return {
    invoices: bare(await database.invoice.findMany(), ...hashes),
    cashiers: bare(await database.cashier.findMany(), ...hashes),
    payments: bare(await database.payment.findMany(), 'id'),
    ofCashiers: bare(await database.cashierPayment.findMany(), 'paymentId'),
    numbers: bare(await database.invoiceNumber.findMany()),
    streams: bare(await database.stream.findMany(), 'lastTransactionId'),
    events: bare(await database.outboxEvent.findMany(), 'position', 'transactionId', 'recordedAt', 'publishedAt'),
    commands: bare(await database.command.findMany(), 'fingerprint', 'attemptId', 'recordedAt'),
    audit: bare(await database.auditEntry.findMany(), 'hash', 'previousHash', 'reason', 'at'),
  };
}

/** A step that time brings, without waiting for the day. */
async function timed(system: System, action: Action, invoiceId: string, body: object): Promise<void> {
  const command = {
    tenantId,
    invoiceId,
    key: `timer:${invoiceId}:${action}`,
    fingerprint: 'timer',
    attemptId: newAttemptId(),
    acceptedAt: new Date().toISOString(),
    actor: 'time',
    body,
    expectedVersion: null,
  } as unknown as StepCommand;
  const deps = {
    database: system.database,
    wire: { environment: ENVIRONMENT, publicUrl: system.url },
    notify: () => undefined,
  };
  const [outcome] = await carryOut(deps, commandOf<Action>(action, { overdueAfterMs: undefined }), [command]);
  expect(outcome?.kind).toBe('done');
}

const addCashier = async (ann: Caller, name: string) =>
  (
    await ann.request<{ id: string }>('POST', '/v1/cashiers', {
      body: { name, email: `${name.toLowerCase().replaceAll(' ', '-')}@example.com` },
    })
  ).body.id;

/** What is there when the backup is taken. */
async function before(ann: Caller) {
  const cashierId = await addCashier(ann, 'Old desk');
  const drafts = [await ann.draft(), await ann.draft({ cashierId })];
  const finalized = [await ann.finalized(), await ann.finalized({ cashierId }), await ann.finalized()];
  const paid = await ann.finalized();
  await ann.pay(paid.id);
  return { cashierId, drafts, finalized };
}

/** Steps of every kind on what is old and new; resolves with a command that may be sent again. */
async function work(system: System, ann: Caller, { cashierId, drafts, finalized }: Awaited<ReturnType<typeof before>>) {
  const [draft, ofCashier] = drafts.map(({ id }) => id);
  await ann.request('PATCH', `/v1/invoices/${draft}`, { body: { name: 'Hosting, renamed' } });
  await ann.step(ofCashier ?? '', 'finalize');
  await ann.pay(ofCashier ?? '', { method: 'cash' });
  const [late, collected, announced] = finalized.map(({ id }) => id);
  await timed(system, 'overdue', late ?? '', {});
  await timed(system, 'remind', late ?? '', { number: 2 });
  await ann.pay(collected ?? '');
  const topic = `${ENVIRONMENT}.billing.public.payments.v1`;
  await gateway.sendTo(topic, paymentMessage(tenantId, announced ?? ''), paymentMessage(tenantId, randomUUID()));
  await waitFor('the payment', async () => {
    const row = await system.database.invoice.findFirst({ where: { id: announced ?? '', status: 'paid' } });
    return row ?? undefined;
  });
  await waitFor(
    'the dead letter',
    async () => (await system.database.deadLetter.findFirst({ where: { tenantId } })) ?? undefined,
  );

  // An address moves from one to the other, and one comes and goes.
  await ann.request('PATCH', `/v1/cashiers/${cashierId}`, { body: { email: 'elsewhere@example.com' } });
  const heir = await addCashier(ann, 'Old desk');
  await ann.request('DELETE', `/v1/cashiers/${await addCashier(ann, 'Gone')}`);
  const cancelled = await ann.finalized({ cashierId: heir, customerReference: 'C-77', dueDate: '2099-01-31' });
  await ann.step(cancelled.id, 'cancel', { body: { reason: 'Ordered twice' } });

  const sent = {
    headers: { 'Idempotency-Key': randomUUID() },
    body: { name: 'Hosting', amount: '10.5', currency: 'KWD' },
  };
  await ann.request('POST', '/v1/invoices', sent);
  const many = Math.ceil(LOST / 3);
  const each = async () => {
    const { id } = await ann.finalized();
    await ann.pay(id, paymentOf());
  };
  for (let made = 0; made < many; made += 10) await Promise.all(Array.from({ length: 10 }, each));
  await ann.request('POST', '/v1/billing-runs', { body: { businessDate: new Date().toISOString().slice(0, 10) } });
  return sent;
}

it('MSG-07: 500 lost steps come back as they were, subscribers see neither gap nor sequence twice, and no number is given twice', async () => {
  let system = await start();
  const old = await before(system.caller(tenantId));
  await published(system);
  await system.stop();
  const restored = await backup('recover_restored');

  system = await start();
  const sent = await work(system, system.caller(tenantId), old);
  await published(system);
  const books = await booksOf(system.database);
  await system.stop();

  // The disaster.
  url = restored;
  const shown = await recover();
  expect(shown).toMatchObject({ code: 1, said: expect.stringContaining('-- --write brings it back') as unknown });
  const lacking = testDatabase({ url });
  expect(await lacking.invoice.count()).toBe(6);
  const written = await recover('--write');
  expect(written).toMatchObject({ code: 0, said: expect.stringContaining('Brought back') as unknown });
  const recovered = await booksOf(lacking);
  const steps = books.audit.length - (await lacking.auditEntry.count({ where: { reason: null } }));
  expect(steps).toBeGreaterThanOrEqual(LOST);
  // A run of nothing leaves no event, nor do decisions about dead letters.
  for (const table of Object.keys(books) as (keyof typeof books)[])
    expect(recovered[table], table).toEqual(books[table]);
  await lacking.$disconnect();
  expect(await recover()).toMatchObject({ code: 0, said: expect.stringContaining('lacks nothing') as unknown });

  system = await start();
  const ann = system.caller(tenantId);
  // The message that was refused since the backup is read again.
  await waitFor(
    'the dead letter',
    async () => (await system.database.deadLetter.findFirst({ where: { tenantId } })) ?? undefined,
  );
  await untilSound(system, [tenantId]);
  const again = await ann.request<{ id: string }>('POST', '/v1/invoices', sent);
  expect(again.headers.get('Idempotency-Replayed')).toBe('true');
  const highest = await system.database.invoiceNumber.findFirstOrThrow({ where: { tenantId } });
  const { number } = await ann.finalized();
  expect(Number(number?.split('-')[2])).toBe(highest.lastNumber + 1);
  await published(system);
  await untilSound(system, [tenantId]);
  await system.stop();

  // The topic of payments is the gateway's: it counts nothing there.
  const ours = (topic: string) => !topic.includes('.payments.');
  for (const [stream, sequences] of sequencesByStream(subscriber.firstOf(tenantId).filter(({ topic }) => ours(topic))))
    expect({ stream, sequences }).toEqual({ stream, sequences: sequences.map((_, index) => index + 1) });
  const places = new Map<string, string>();
  for (const { topic, key, sequence, id } of subscriber.of(tenantId).filter((event) => ours(event.topic))) {
    const place = `${topic}|${key}|${sequence}`;
    expect(places.get(place) ?? id).toBe(id);
    places.set(place, id);
  }
});

it('MSG-07: a step whose events had not reached Kafka is named; nothing is written before a person says so, and its number is not given again', async () => {
  let system = await start();
  const { id } = await system.caller(tenantId).draft();
  await published(system);
  await system.stop();
  const restored = await backup('recover_unsent');

  system = await start();
  await servers.stopKafka();
  const { number, status } = (await system.caller(tenantId).step(id, 'finalize')).body;
  expect(status).toBe('finalized');
  // Its page has it too, which lists need a moment for.
  await waitFor('the list', async () => {
    const query = `WorkflowId = 'invoice/${tenantId}/${id}' AND InvoiceNumber = '${number}'`;
    return (await system.temporal.client.workflow.count(query)).count === 1 || undefined;
  });
  await system.stop();
  await servers.startKafka();

  url = restored;
  const refused = await recover('--write');
  expect(refused.code).toBe(1);
  expect(refused.said).toContain(`invoice/${tenantId}/${id}: is finalized with the number ${number} for Temporal`);
  expect(refused.said).toContain('Nothing was written.');
  const left = await recover('--write', '--leave');
  expect(left).toMatchObject({ code: 1, said: expect.stringContaining('Brought back') as unknown });

  system = await start();
  const next = await system.caller(tenantId).finalized();
  expect(next.number?.slice(0, 9)).toBe(number?.slice(0, 9));
  expect(Number(next.number?.split('-')[2])).toBe(Number(number?.split('-')[2]) + 1);
  await published(system);
  await waitFor('the one finding', async () => {
    const found = foundIn(await verifyTenants(system, [tenantId], 0));
    if (Object.keys(found).join() !== 'numbers' || found['numbers']?.length !== 1)
      throw new Error(JSON.stringify(found));
    return true;
  });
  await system.stop();
});

it('MSG-07: a service that has worked since the restore has used sequences again: that is told, and nothing is written', async () => {
  let system = await start();
  const { id } = await system.caller(tenantId).draft();
  await published(system);
  await system.stop();
  const restored = await backup('recover_worked');

  const rename = async (name: string) => {
    system = await start();
    const renamed = await system.caller(tenantId).request('PATCH', `/v1/invoices/${id}`, { body: { name } });
    expect(renamed.status).toBe(200);
    await published(system);
    await system.stop();
  };
  await rename('Before the disaster');
  url = restored;
  await rename('After it');
  const refused = await recover('--write');
  expect(refused.code).toBe(1);
  expect(refused.said).toContain('the service has worked since the restore');
  expect(refused.said).toContain('Nothing was written.');
});

it('beside a running service nothing is read', async () => {
  const other = createDatabase({ url, poolMax: 1, applicationName: 'billing-worker', limits: testLimits });
  await other.$queryRaw`SELECT 1`;
  expect(await recover()).toMatchObject({ code: 2, said: expect.stringContaining('billing-worker') as unknown });
  await other.$disconnect();
});
