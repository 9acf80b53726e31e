/** A row of `cashiers` as Postgres gives it, and as the rules see it. */
import type { Cashier } from './cashier.ts';
import type { AcceptedCurrency } from './currencies.ts';
import type { Database, TransactionClient } from '../platform/database.ts';

export interface CashierRow {
  tenant_id: string;
  id: string;
  name: string;
  email: string;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export const toCashier = (row: CashierRow, currencies: readonly AcceptedCurrency[]): Cashier => ({
  ...withoutCurrencies(row),
  currencies,
});

export const withoutCurrencies = (row: CashierRow): Omit<Cashier, 'currencies'> => ({
  tenantId: row.tenant_id,
  id: row.id,
  name: row.name,
  email: row.email,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});

/** The columns of a cashier as JSON values, by the names of the table. */
export const fromCashier = (cashier: Cashier): Record<keyof CashierRow, string | number> => ({
  tenant_id: cashier.tenantId,
  id: cashier.id,
  name: cashier.name,
  email: cashier.email,
  version: cashier.version,
  created_at: cashier.createdAt,
  updated_at: cashier.updatedAt,
});

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
