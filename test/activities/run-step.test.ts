/** The transaction of a step on a real Postgres: keys, attempts, refusals, twins, the audit chain. */
import { createHash, randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { stringify } from 'safe-stable-stringify';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import type { Database } from '../../platform/database.ts';
import type { StepCommand } from '../../workflows/contract.ts';
import { testActivities } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';

let database: Database;
let activities: Activities;
beforeAll(() => {
  database = testDatabase({ poolMax: 20 });
  activities = testActivities(database);
});
afterAll(() => database?.$disconnect());

const tenantId = randomUUID();
const command = (changes: object): StepCommand<never> =>
  ({
    tenantId,
    key: `rest:${randomUUID()}`,
    fingerprint: 'f',
    attemptId: uuidv7(),
    acceptedAt: new Date().toISOString(),
    actor: 'ann',
    expectedVersion: null,
    body: {},
    ...changes,
  }) as unknown as StepCommand<never>;
const body = {
  name: 'Hosting',
  amountMinor: 120_000,
  currency: 'EUR',
  customerReference: null,
  dueDate: null,
  cashierId: null,
};
const payment = () => ({
  amountMinor: 120_000,
  currency: 'EUR',
  method: 'card',
  reference: randomUUID(),
  receivedAt: null,
});

/** Carries a step out as Temporal does: a failure of infrastructure (a busy machine) is tried again. */
async function retried<T>(step: () => Promise<T>, attempts = 20): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (attempts === 0 || !(error instanceof ApplicationFailure) || error.type !== 'infrastructure') throw error;
    return retried(step, attempts - 1);
  }
}

async function draft(): Promise<string> {
  const invoiceId = randomUUID();
  await retried(() => activities.createInvoice(command({ invoiceId, body })));
  return invoiceId;
}
const typeOf = (work: Promise<unknown>): Promise<string | undefined | null> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof ApplicationFailure ? error.type : String(error)),
  );

describe('a step', () => {
  it('INV-03: twins of one key at the same moment: one is carried out, the other gets its answer', async () => {
    const invoiceId = randomUUID();
    const twin = command({ invoiceId, body });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => retried(() => activities.createInvoice({ ...twin, attemptId: uuidv7() }))),
    );
    expect(outcomes.filter(({ done }) => done)).toHaveLength(1);
    expect(new Set(outcomes.map(({ invoice }) => JSON.stringify(invoice))).size).toBe(1);
    expect(await database.auditEntry.count({ where: { tenantId, entityId: invoiceId } })).toBe(1);
  });

  it('INV-03: one key with another fingerprint is refused', async () => {
    const first = command({ invoiceId: randomUUID(), body });
    await activities.createInvoice(first);
    expect(await typeOf(activities.createInvoice({ ...(first as object), fingerprint: 'other' } as never))).toBe(
      'idempotency_key_reused',
    );
  });

  it('INV-06: an attempt that was refused stays refused when a reset runs it again; a new attempt is decided afresh', async () => {
    const invoiceId = await draft();
    const pay = command({ invoiceId, body: payment() });
    expect(await typeOf(activities.payInvoice(pay))).toBe('transition_not_allowed');
    await activities.finalizeInvoice(command({ invoiceId }));
    expect(await typeOf(activities.payInvoice(pay))).toBe('transition_not_allowed');
    expect(await typeOf(activities.payInvoice({ ...(pay as object), attemptId: uuidv7() } as never))).toBe('done');
  });

  it('INV-06: an attempt that was lost is not carried out by a reset after a newer one of its key was refused', async () => {
    const invoiceId = await draft();
    const lost = command({ invoiceId, body: payment() });
    const newer = { ...(lost as object), attemptId: uuidv7() } as never;
    expect(await typeOf(activities.payInvoice(newer))).toBe('transition_not_allowed');
    await activities.finalizeInvoice(command({ invoiceId }));
    expect(await typeOf(activities.payInvoice(lost))).toBe('transition_not_allowed');
    expect(await database.payment.count({ where: { tenantId, invoiceId } })).toBe(0);
  });

  it('a bug is an internal error and changes nothing', async () => {
    const invoiceId = await draft();
    expect(
      await typeOf(activities.updateInvoice(command({ invoiceId, body: { currency: 'EUR', amountMinor: 0 } }))),
    ).toBe('internal_error');
    expect(await database.auditEntry.count({ where: { tenantId, entityId: invoiceId } })).toBe(1);
  });

  it('INV-21: numbers are without gap although every second finalize is refused', async () => {
    const other = randomUUID();
    const ids = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const invoiceId = randomUUID();
        await retried(() => activities.createInvoice(command({ tenantId: other, invoiceId, body })));
        return invoiceId;
      }),
    );
    await Promise.all(
      ids.flatMap((invoiceId) => [
        typeOf(retried(() => activities.finalizeInvoice(command({ tenantId: other, invoiceId })))),
        typeOf(activities.finalizeInvoice(command({ tenantId: other, invoiceId, expectedVersion: 7 }))),
      ]),
    );
    const rows = await database.invoice.findMany({ where: { tenantId: other }, select: { number: true } });
    expect(rows.map(({ number }) => Number(number?.slice(-6))).toSorted((a, b) => a - b)).toEqual(
      ids.map((_, index) => index + 1),
    );
  });

  it('INV-12: the audit entries of an invoice are a chain of hashes over what they say', async () => {
    const invoiceId = await draft();
    await activities.finalizeInvoice(command({ invoiceId }));
    await activities.payInvoice(command({ invoiceId, body: payment() }));
    const rows = await database.$queryRaw<Record<string, unknown>[]>`
      SELECT tenant_id, entity_type, entity_id, sequence, version, action, actor, at, status, reason, command_key, body, previous_hash, hash
      FROM audit_entries WHERE tenant_id = ${tenantId}::uuid AND entity_id = ${invoiceId}::uuid ORDER BY sequence`;
    let previous = '';
    for (const { hash, previous_hash: before, at, ...entry } of rows) {
      expect(before).toBe(previous);
      const text = stringify({ ...entry, at: (at as Date).toISOString() }) ?? '';
      expect(hash).toBe(createHash('sha256').update(previous).update(text).digest('hex'));
      previous = String(hash);
    }
    expect(rows).toHaveLength(3);
  });
});
