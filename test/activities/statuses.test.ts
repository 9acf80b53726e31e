/** The statuses that Postgres takes are those that the steps lead to. */
import { expect, it } from 'vitest';
import { statuses } from '../../invoices/lifecycle.ts';
import { testDatabase } from '../support/database.ts';

it('INV-30: the CHECK constraint of a status names every status of the lifecycle, and no other', async () => {
  const database = testDatabase();
  try {
    const [constraint] = await database.$queryRaw<{ definition: string }[]>`
      SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = 'invoices_status'`;
    const named = [...(constraint?.definition ?? '').matchAll(/'(\w+)'/g)].map(([, status]) => status);
    expect(named.toSorted()).toEqual([...statuses].toSorted());
  } finally {
    await database.$disconnect();
  }
});
