/** A cashier as it is read: its row, and the currencies that stand in a table of their own. */
import { type Row, fromRow } from '../commands/members.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import type { AcceptedCurrency } from './currencies.ts';
import { type StoredCashier, cashierMembers } from './members.ts';

export const toStoredCashier = (row: Row): StoredCashier => fromRow(cashierMembers, row);

/** The currencies that a cashier accepts, sorted by code; none means all. */
export async function currenciesOf(
  database: Database | TransactionClient,
  tenantId: string,
  cashierId: string,
): Promise<AcceptedCurrency[]> {
  const rows = await database.cashierCurrency.findMany({
    where: { tenantId, cashierId },
    orderBy: { currency: 'asc' },
  });
  return rows.map(({ currency, effectiveFrom }) => ({
    currency,
    effectiveFrom: effectiveFrom.toISOString().slice(0, 10),
  }));
}

/** The same of a cashier that may not be there: null then. */
export async function acceptedCurrencies(
  database: Database | TransactionClient,
  tenantId: string,
  id: string,
): Promise<AcceptedCurrency[] | null> {
  const known = await database.cashier.findUnique({ where: { tenantId_id: { tenantId, id } }, select: { id: true } });
  return known && currenciesOf(database, tenantId, id);
}
