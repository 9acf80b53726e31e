/** The transaction of a step on a real Postgres: keys, attempts, refusals, twins, the audit chain. */
import { staffKey } from '../../commands/staff-key.ts';
import type { StepCommand } from '../../invoices/lifecycle.ts';
import { createHash, randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { stringify } from 'safe-stable-stringify';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import type { Database } from '../../platform/database.ts';
import { lookUpCommand } from '../../invoices/command-look-up.ts';
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

async function draft(tenant = tenantId): Promise<string> {
  const invoiceId = randomUUID();
  await retried(() => activities.createInvoice(command({ tenantId: tenant, invoiceId, body })));
  return invoiceId;
}
const statusOf = async (id: string) => (await database.invoice.findFirstOrThrow({ where: { id } })).status;
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

  it('INV-03: a key that was used for another invoice, or another step of it, is refused and changes nothing', async () => {
    const [one, other] = [await draft(), await draft()];
    const first = command({ invoiceId: one });
    await activities.finalizeInvoice(first);
    const copied = { ...(first as object), attemptId: uuidv7() };
    expect(await typeOf(activities.finalizeInvoice({ ...copied, invoiceId: other } as never))).toBe(
      'idempotency_key_reused',
    );
    expect(await typeOf(activities.cancelInvoice({ ...copied, body: { reason: null } } as never))).toBe(
      'idempotency_key_reused',
    );
    expect(await statusOf(one)).toBe('finalized');
    expect(await statusOf(other)).toBe('draft');
  });

  it('INV-03: the look-up before a command is sent finds the answer of this very command alone', async () => {
    const [one, other] = [await draft(), await draft()];
    const first = command({ invoiceId: one });
    await activities.finalizeInvoice(first);
    const sought = { ...first, step: 'finalize' };
    expect(await lookUpCommand(database, sought)).toMatchObject({ known: { id: one, status: 'finalized' } });
    for (const changes of [{ invoiceId: other }, { step: 'pay' }, { fingerprint: 'other' }])
      expect(await lookUpCommand(database, { ...sought, ...changes })).toMatchObject({ known: 'reused' });
    expect(await lookUpCommand(database, { ...sought, key: 'rest:unused' })).toMatchObject({ known: null });
  });

  it('INV-06: a refusal is told to the command that it was told to alone: not of another invoice or body', async () => {
    const [one, other] = [await draft(), await draft()];
    const pay = command({ invoiceId: one, body: payment() });
    expect(await typeOf(activities.payInvoice(pay))).toBe('transition_not_allowed');
    await activities.finalizeInvoice(command({ invoiceId: other }));
    const older = { ...(pay as object), invoiceId: other, attemptId: '00000000-0000-7000-8000-000000000000' };
    expect(await typeOf(activities.payInvoice(older as never))).toBe('done');
    const [third, changed] = [await draft(), { fingerprint: 'other', body: payment() }];
    const again = command({ invoiceId: third, body: payment() });
    expect(await typeOf(activities.payInvoice(again))).toBe('transition_not_allowed');
    await activities.finalizeInvoice(command({ invoiceId: third }));
    // The attempt itself belongs to what was refused: carried out, it would have two outcomes.
    expect(await typeOf(activities.payInvoice({ ...(again as object), ...changed } as never))).toBe(
      'idempotency_key_reused',
    );
  });

  describe('what staff were told when their keys did not name the invoice', () => {
    const TICKET = 'TICKET-7';
    const former = (changes: object) =>
      command({ key: `staff:${TICKET}`, fingerprint: 'staff', attemptId: TICKET, ...changes });
    const now = (invoiceId: string, changes: object) =>
      command({ key: staffKey(invoiceId, TICKET), fingerprint: 'f', attemptId: TICKET, invoiceId, ...changes });

    it('INV-03: what was carried out is not carried out twice, and other invoices and steps know nothing of it', async () => {
      const own = randomUUID();
      const [one, other] = [await draft(own), await draft(own)];
      const rename = { tenantId: own, body: { name: 'Backup' } };
      await activities.updateInvoice(former({ ...rename, invoiceId: one }));
      for (let reset = 1; reset <= 2; reset += 1)
        expect(await activities.updateInvoice(now(one, rename))).toMatchObject({ done: null, invoice: { version: 2 } });
      expect(await activities.updateInvoice(now(other, rename))).toMatchObject({ invoice: { id: other, version: 2 } });
      expect(await typeOf(activities.finalizeInvoice(now(one, { tenantId: own })))).toBe('done');
      expect(await database.auditEntry.count({ where: { tenantId: own, entityId: one } })).toBe(3);
      const withoutEntry = await database.command.count({
        where: { tenantId: own, key: staffKey(one, TICKET), step: 'update' },
      });
      expect(withoutEntry).toBe(0);
    });

    it('INV-03: one that is under way under its former key is not answered with that of another invoice', async () => {
      const own = randomUUID();
      const [one, other] = [await draft(own), await draft(own)];
      await activities.finalizeInvoice(former({ tenantId: own, invoiceId: one }));
      expect(await typeOf(activities.finalizeInvoice(former({ tenantId: own, invoiceId: other })))).toBe(
        'idempotency_key_reused',
      );
    });

    it('INV-06: what was refused stays refused, at this invoice alone', async () => {
      const own = randomUUID();
      const [one, other] = [await draft(own), await draft(own)];
      const pay = { tenantId: own, body: payment() };
      expect(await typeOf(activities.payInvoice(former({ ...pay, invoiceId: one })))).toBe('transition_not_allowed');
      for (const invoiceId of [one, other]) await activities.finalizeInvoice(command({ tenantId: own, invoiceId }));
      for (let reset = 1; reset <= 2; reset += 1)
        expect(await typeOf(activities.payInvoice(now(one, pay)))).toBe('transition_not_allowed');
      expect(await typeOf(activities.payInvoice(now(other, pay)))).toBe('done');
    });
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
    const rows = await entriesOf(invoiceId);
    expectChain(rows);
    expect(rows).toHaveLength(3);
  });

  // Hashed as it came and read back as Postgres writes it, the entry would look as if it had been changed.
  it.each(['2030-01-31T12:00:00Z', '2030-01-31T12:00:00.123456Z', '2030-01-31T14:00:00+02:00'])(
    'INV-12: a command accepted at %s leaves a chain that is sound, and an entry that shows the invoice as it is stored',
    async (acceptedAt) => {
      const invoiceId = randomUUID();
      const { invoice } = await activities.createInvoice(command({ invoiceId, body, acceptedAt }));
      const rows = await entriesOf(invoiceId);
      expectChain(rows);
      const instant = new Date(acceptedAt).toISOString();
      expect(JSON.parse(String(rows[0]?.['body']))).toMatchObject({ createdAt: instant, updatedAt: instant });
      expect(invoice.createdAt).toBe(instant);
    },
  );

  const entriesOf = (invoiceId: string) => database.$queryRaw<Record<string, unknown>[]>`
    SELECT tenant_id, entity_type, entity_id, sequence, version, action, actor, at, status, reason, command_key, body, previous_hash, hash
    FROM audit_entries WHERE tenant_id = ${tenantId}::uuid AND entity_id = ${invoiceId}::uuid ORDER BY sequence`;

  /** As an auditor would check it: with SQL and SHA-256, and nothing of the service. */
  function expectChain(rows: Record<string, unknown>[]): void {
    let previous = '';
    for (const { hash, previous_hash: before, at, ...entry } of rows) {
      expect(before).toBe(previous);
      const text = stringify({ ...entry, at: (at as Date).toISOString() }) ?? '';
      expect(hash).toBe(createHash('sha256').update(previous).update(text).digest('hex'));
      previous = String(hash);
    }
  }
});
