/**
 * What a recovery makes of what it finds on Kafka, on a Postgres that has nothing of it: the events are those of the
 * real transaction, and what is wrong with them is done by hand.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newAttemptId } from '../../commands/key.ts';
import { carryOut } from '../../commands/transaction.ts';
import { commandOf } from '../../invoices/commands.ts';
import type { Action, StepCommand } from '../../invoices/lifecycle.ts';
import type { LogRecord } from '../../platform/kafka-log.ts';
import { Numbers } from '../../operations/recover/numbers.ts';
import { recover } from '../../operations/recover/run.ts';
import { audit } from '../../operations/verify/audit.ts';
import { commands } from '../../operations/verify/commands.ts';
import { invoices } from '../../operations/verify/invoices.ts';
import { numbers } from '../../operations/verify/numbers.ts';
import { streams } from '../../operations/verify/streams.ts';
import { verify } from '../../operations/verify/verify.ts';
import type { Database } from '../../platform/database.ts';
import { testWire } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { foundIn } from '../support/verifier.ts';

let source: Database;
let target: Database;
beforeAll(async () => {
  source = testDatabase({ url: await makeOwnDatabase('recover_source') });
  target = testDatabase({ url: await makeOwnDatabase('recover_target') });
});
afterAll(async () => {
  await source?.$disconnect();
  await target?.$disconnect();
});

/** Lives an invoice in the source. */
async function live(tenantId: string, ...actions: Action[]): Promise<string> {
  const invoiceId = randomUUID();
  const money = { amountMinor: 120_000, currency: 'EUR' };
  const bodies: Partial<Record<Action, object>> = {
    create: { name: 'Hosting', ...money, customerReference: null, dueDate: null, cashierId: null },
    update: { name: 'Hosting, renamed' },
    pay: { ...money, method: 'cash', reference: `PAY-${invoiceId}`, receivedAt: null },
  };
  for (const [index, action] of actions.entries()) {
    const command = {
      tenantId,
      invoiceId,
      key: `rest:${invoiceId}:${index}`,
      fingerprint: 'asked',
      attemptId: newAttemptId(),
      acceptedAt: new Date().toISOString(),
      actor: 'ann',
      body: bodies[action] ?? {},
      expectedVersion: null,
    } as unknown as StepCommand;
    const deps = { database: source, wire: testWire, notify: () => undefined };
    const [outcome] = await carryOut(deps, commandOf<Action>(action, { overdueAfterMs: undefined }), [command]);
    expect(outcome?.kind).toBe('done');
  }
  return invoiceId;
}

/** What Kafka has of a tenant: all that was recorded, in its order. */
async function logOf(tenantId: string): Promise<LogRecord[]> {
  const rows = await source.outboxEvent.findMany({ where: { tenantId }, orderBy: { position: 'asc' } });
  return rows.map(({ topic, partitionKey, headers, value, recordedAt }, index) => ({
    topic,
    partition: 0,
    offset: BigInt(index),
    timestamp: recordedAt.getTime(),
    key: Buffer.from(partitionKey),
    value: Buffer.from(value),
    headers: JSON.parse(headers) as Record<string, string>,
  }));
}

const isOf = (name: string) => (record: LogRecord) => record.headers['ce_type'] === `billing.${name}.v1`;

/** A Temporal that knows of nothing. */
const temporal = {
  workflow: {
    list: async function* list() {
      yield* [];
    },
  },
} as unknown as Client;

const recovered = (records: readonly LogRecord[], options: { write?: boolean; leave?: boolean } = {}) =>
  recover(
    {
      database: target,
      temporal,
      wire: testWire,
      rewind: async () => undefined,
      readLog: async (onRecords) => {
        const partition = { topic: 'all', partition: 0, oldest: 0n, start: 0n, end: BigInt(records.length) };
        await onRecords(records, partition);
        return { partitions: [partition], missing: [] };
      },
    },
    { sinceMs: 0, write: true, leave: false, ...options },
  );

async function foundOf(tenantId: string) {
  const world = { database: target, environment: 'test', shards: 1, tenants: [tenantId] } as unknown as Parameters<
    typeof verify
  >[0];
  return foundIn(await verify(world, { checks: [streams, invoices, audit, numbers, commands], graceMs: 0 }));
}

const problemsOf = (recovery: Awaited<ReturnType<typeof recover>>) =>
  recovery.problems.map(({ about, problem }) => `${about}: ${problem}`);

it('MSG-07: what was committed with a step and had not reached Kafka is told anew', async () => {
  const tenantId = randomUUID();
  const id = await live(tenantId, 'create', 'finalize', 'pay');
  const records = (await logOf(tenantId)).filter((record) => !isOf('invoice.generated')(record));
  expect(await recovered(records)).toMatchObject({ problems: [], written: true, events: 3 });
  const [generated, ...others] = await target.outboxEvent.findMany({ where: { tenantId, publishedAt: null } });
  expect(others).toEqual([]);
  expect(generated).toMatchObject({ type: 'billing.invoice.generated.v1', sequence: 1n });
  expect(await foundOf(tenantId)).toEqual({});
  const trail = await target.auditEntry.findMany({ where: { entityId: id }, orderBy: { sequence: 'asc' } });
  expect(trail.map(({ action, actor }) => [action, actor])).toEqual([
    ['create', 'ann'],
    ['finalize', 'ann'],
    ['pay', 'ann'],
  ]);
  expect(trail[2]?.reason).toMatch(/^Recovered from test\.billing\.public\.invoices\.v1\/0, offset \d+$/);
});

it('MSG-07: an invoice of which no event has the whole is named; left, its sequence is not used again', async () => {
  const tenantId = randomUUID();
  const id = await live(tenantId, 'create');
  const records = (await logOf(tenantId)).filter(isOf('invoice.generated'));
  const shown = await recovered(records);
  expect(shown.written).toBe(false);
  expect(problemsOf(shown)).toEqual([`invoice ${tenantId}/${id}: is told of, but no event carries it`]);
  expect(await target.stream.count({ where: { stream: { contains: id } } })).toBe(0);
  expect(await recovered(records, { leave: true })).toMatchObject({ written: true });
  expect(await target.stream.findFirst({ where: { stream: { contains: id } } })).toMatchObject({
    lastSequence: 1n,
    lastPublished: 1n,
  });
});

it('MSG-07: a gap, and a number that nobody has, are told', async () => {
  const tenantId = randomUUID();
  const holed = await live(tenantId, 'create', 'update', 'finalize');
  const whole = await live(tenantId, 'create', 'finalize');
  const records = await logOf(tenantId);
  const isUpdate = isOf('invoice.updated');
  const problems = problemsOf(await recovered(records.filter((record) => !isUpdate(record))));
  expect(problems).toHaveLength(2);
  expect(problems.join('\n')).toMatch(`${holed}: sequence 2 is neither in Postgres nor on Kafka, later ones are`);
  expect(problems.join('\n')).toMatch('is at version 3, 2 was expected');

  const ofWhole = records.filter(({ key }) => key?.toString().endsWith(whole));
  const year = new Date().getUTCFullYear();
  expect(problemsOf(await recovered(ofWhole))).toEqual([
    `${tenantId}, INV-${year}-000001: was given, later ones too, and nothing tells to which invoice; it is not given again`,
  ]);
  await recovered(ofWhole, { leave: true });
  expect(await target.invoiceNumber.findFirst({ where: { tenantId } })).toMatchObject({ year, lastNumber: 2 });
});

it('MSG-07: a step that was withheld is told, and nothing of its invoice is guessed', async () => {
  const tenantId = randomUUID();
  const id = await live(tenantId, 'create', 'finalize');
  const isFinalized = isOf('invoice.finalized');
  const records = await logOf(tenantId);
  for (const record of records.filter((one) => isFinalized(one))) {
    Object.assign(record.headers, { ce_id: randomUUID(), ce_type: 'billing.event.withheld.v1' });
    record.value = Buffer.from(JSON.stringify({ withheldId: randomUUID(), withheldType: 'x', reason: 'Too large' }));
  }
  expect(problemsOf(await recovered(records)).join()).toContain('is told nothing by billing.event.withheld.v1');
  await recovered(records, { leave: true });
  expect(await target.invoice.count({ where: { id } })).toBe(0);
  expect(await target.stream.count({ where: { stream: { contains: id }, lastSequence: 2n } })).toBe(1);
});

it('MSG-07: brought back a second time nothing changes; events of older versions do not say who it was', async () => {
  const tenantId = randomUUID();
  const id = await live(tenantId, 'create', 'update');
  const records = await logOf(tenantId);
  for (const { headers } of records) delete headers['ce_actor'];
  // What a duplicate has, it has twice.
  expect(await recovered([...records, ...records])).toMatchObject({ problems: [], written: true });
  const rows = () => target.auditEntry.findMany({ where: { entityId: id }, orderBy: { sequence: 'asc' } });
  const before = await rows();
  expect(before.map(({ actor }) => actor)).toEqual(['unknown', 'unknown']);
  expect(await recovered(records)).toMatchObject({ events: 0, problems: [] });
  expect(await rows()).toEqual(before);
  expect(await foundOf(tenantId)).toEqual({});
});

it('MSG-07: a Kafka that begins later than the backup cannot tell everything', async () => {
  const tenantId = randomUUID();
  await live(tenantId, 'create');
  const records = await logOf(tenantId);
  const shown = await recover(
    {
      database: target,
      temporal,
      wire: testWire,
      rewind: async () => undefined,
      readLog: async (onRecords) => {
        const cut = { topic: 'cut', partition: 3, oldest: 7n, start: 7n, end: 9n };
        for (const record of records) record.offset += cut.oldest;
        await onRecords(records, cut);
        return { partitions: [cut], missing: [] };
      },
    },
    { sinceMs: 1, write: true, leave: false },
  );
  expect(problemsOf(shown).join()).toContain('cut/3: begins later than the backup');
});

it('MSG-07: however many numbers a tenant has, the next one is higher than all of them', async () => {
  const tenantId = randomUUID();
  const numbersOfTenant = new Numbers();
  for (let n = 200_000; n > 0; n -= 1) numbersOfTenant.add(tenantId, `INV-2026-${String(n).padStart(6, '0')}`);
  expect(await numbersOfTenant.problems(target)).toEqual([]);
  await numbersOfTenant.raise(target);
  expect(await target.invoiceNumber.findFirst({ where: { tenantId } })).toMatchObject({ lastNumber: 200_000 });
});
