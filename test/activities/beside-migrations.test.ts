/** A migration adds columns while the service runs: what its connections have prepared must go on working. */
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lookUpCommand } from '../../invoices/command-look-up.ts';
import type { StepCommand } from '../../invoices/lifecycle.ts';
import type { Database } from '../../platform/database.ts';
import { migrate } from '../../scripts/migrate.mjs';
import { ensureDatabase } from '../../scripts/stack/postgres.mjs';
import { run } from '../../scripts/stack/processes.mjs';
import { testActivities } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { makeOwnDatabase } from '../support/servers.ts';

let database: Database;
let migrating: Database;
beforeAll(async () => {
  const url = await makeOwnDatabase('beside_migrations');
  // One connection, so that it meets again what it has prepared.
  database = testDatabase({ url, poolMax: 1 });
  migrating = testDatabase({ url, poolMax: 1 });
});
afterAll(async () => {
  await database?.$disconnect();
  await migrating?.$disconnect();
});

async function lifecycle(): Promise<string> {
  const { createInvoice, finalizeInvoice, payInvoice } = testActivities(database);
  const [tenantId, invoiceId] = [randomUUID(), randomUUID()];
  const command = <S extends 'create' | 'finalize' | 'pay'>(body: object) =>
    ({
      tenantId,
      invoiceId,
      key: `rest:${randomUUID()}`,
      fingerprint: 'f',
      attemptId: uuidv7(),
      acceptedAt: new Date().toISOString(),
      actor: 'ann',
      expectedVersion: null,
      body,
    }) as unknown as StepCommand<S>;
  const money = { amountMinor: 120_000, currency: 'EUR' };
  const draft = { name: 'Hosting', ...money, customerReference: null, dueDate: null, cashierId: null };
  const create = command<'create'>(draft);
  await createInvoice(create);
  expect(await lookUpCommand(database, { ...create, step: 'create' })).toMatchObject({ known: { status: 'draft' } });
  await finalizeInvoice(command<'finalize'>({}));
  const payment = { ...money, method: 'card', reference: randomUUID(), receivedAt: null };
  return (await payInvoice(command<'pay'>(payment))).invoice.status;
}

it('commands are looked up and carried out after each table has a column more', async () => {
  // Postgres settles on a plan at the sixth use.
  for (let n = 0; n < 7; n += 1) expect(await lifecycle()).toBe('paid');
  const tables = await migrating.$queryRaw<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
  expect(tables.length).toBeGreaterThan(10);
  for (const { name } of tables) await migrating.$executeRawUnsafe(`ALTER TABLE "${name}" ADD COLUMN later int`);
  expect(await lifecycle()).toBe('paid');
});

it('processes that migrate at once take turns, and one that lives on keeps no other out', async () => {
  const url = new URL(process.env['DATABASE_URL'] ?? '');
  url.pathname = '/migrated_at_once';
  await ensureDatabase(url.href);
  const inAnotherProcess = () =>
    run(process.execPath, ['scripts/migrate.mjs'], { env: { ...process.env, DATABASE_URL: url.href } });
  await Promise.all([inAnotherProcess(), inAnotherProcess(), inAnotherProcess()]);
  expect(await migrate(url.href)).toEqual([]);
  // This process goes on; a lock that it kept would make the next one fail.
  await inAnotherProcess();
});
